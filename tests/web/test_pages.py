"""What the pages show, through the whole application."""

import re
from datetime import timedelta

import httpx
import pytest

from bot.store.store import Store
from bot.task.effects import Pace
from bot.task.events import (
    AgentFailed,
    FeedbackGiven,
    PullMerged,
    QuestionAsked,
    RetryRequested,
    Said,
    StopRequested,
)
from bot.task.ids import CommentId, CommitSha, DeliveryId, FactKey, Login
from bot.task.model import Cause, CauseKind
from bot.task.pause import SERVER
from bot.task.results import FaultKind, PlanStep, Progress, SandboxLevel
from bot.web.app import build_app
from bot.web.asgi import ASGIApp
from bot.web.pages import LOG_BYTES
from bot.web.probes import Readiness
from tests.web.client import client, deliver, head
from tests.web.worlds import SECRET, ManualClock, Tale, body_of, changes, check

pytestmark = pytest.mark.anyio
MINUS = "\N{MINUS SIGN}"
HERE = {"accept": "text/html"}


@pytest.fixture
def app(store: Store, clock: ManualClock) -> ASGIApp:
    return build_app(
        store,
        secret=SECRET,
        readiness=lambda: Readiness(True, SandboxLevel.OVERLAY, ""),
        clock=clock,
        html_url="https://git.example/",
    )


async def get(app: ASGIApp, path: str) -> httpx.Response:
    async with client(app) as someone:
        return await someone.get(path, headers=HERE)


def text_of(response: httpx.Response) -> str:
    """What is read: without tags, on one line."""
    body = response.text.partition("<main>")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("&#39;", "'").replace("&#34;", '"').split())


# ── / ──


async def test_an_empty_dashboard_says_how_to_start(app: ASGIApp) -> None:
    shown = text_of(await get(app, "/"))
    assert shown == (
        "Needs you Nothing waits for a person. Running No run is going on."
        " Put the label agent:run on an issue to start."
    )


async def test_a_pause_is_seen_on_the_dashboard_and_on_what_waits(
    app: ASGIApp, store: Store, clock: ManualClock
) -> None:
    waiting = await Tale(store, clock).begins(41, "Fix the race")
    await store.declare_pauses({SERVER: "<moving>"})
    told = "Paused by the operator: &lt;moving&gt;. Runs start again after `paused` is taken out of issuewright.toml"
    assert text_of(await get(app, "/")).startswith(f"Paused The whole server : {told} and the server restarted.")
    assert told.replace("`", "") in text_of(await get(app, f"/tasks/{waiting.id}"))


async def test_the_dashboard_leads_with_what_needs_you(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    reviewed = await Tale(store, clock).begins(41, "Fix the race")
    await reviewed.is_prepared()
    await reviewed.turn_ends(changes("1" * 40, 1, "Done."))
    await reviewed.is_verified([], 1, CommitSha("1" * 40))
    await reviewed.is_published(47, CommitSha("1" * 40))
    merged = await Tale(store, clock).begins(12, "Typo")
    await merged.tells(PullMerged(), "pull:13")
    asked = await Tale(store, clock).begins(53, "Export")
    await asked.is_prepared()
    await asked.turn_ends(QuestionAsked(1, 1, "CSV or JSON?", clock(), None, None))
    failed = await Tale(store, clock).begins(52, "Upgrade")
    await failed.is_prepared()
    await failed.turn_ends(AgentFailed(1, 1, FaultKind.TIMED_OUT, "60 min", None, None))
    working = await Tale(store, clock).begins(60, "Index")
    await working.is_prepared()
    await store.set_progress(working.id, 1, Progress("Running the tests", (), ("a.py", "b.py"), 3))
    clock.advance(minutes=5)
    await Tale(store, clock).begins(61, "Dark mode")

    response = await get(app, "/")

    shown = text_of(response)
    assert re.findall(r"(Needs you|Running|Queued|Finished) \d|acme/widgets(#\d+)", shown) == [
        ("Needs you", ""),
        ("", "#53"),
        ("", "#52"),
        ("", "#41"),
        ("Running", ""),
        ("", "#60"),
        ("Queued", ""),
        ("", "#61"),
        ("Finished", ""),
        ("", "#12"),
    ]
    assert "working Index acme/widgets#60 run 1, attempt 1 of 3 codex asked by @ana" in shown
    assert "The agent says: Running the tests · 2 files so far 5 min" in shown
    assert 'href="https://git.example/acme/widgets/issues/41"' in response.text
    assert 'href="https://git.example/acme/widgets/pull/47"' in response.text
    assert 'http-equiv="refresh"' in response.text


async def test_an_old_failure_and_one_that_was_followed_up_need_nobody(
    app: ASGIApp, store: Store, clock: ManualClock
) -> None:
    for issue, event in ((52, 1), (53, 2)):
        failed = await Tale(store, clock).begins(issue, "Upgrade", event=event)
        await failed.is_prepared()
        await failed.turn_ends(AgentFailed(1, 1, FaultKind.TIMED_OUT, "60 min", None, None))
    assert "Needs you 2" in text_of(await get(app, "/"))
    await Tale(store, clock).begins(53, "Upgrade", event=3)
    assert "Needs you 1" in text_of(await get(app, "/"))
    clock.advance(days=15)
    shown = text_of(await get(app, "/"))
    assert "Nothing waits for a person" in shown
    assert "Finished 2" in shown


async def test_a_delivery_that_was_given_up_is_shown_on_top(app: ASGIApp, store: Store) -> None:
    await store.receive(DeliveryId("guid-1"), "issues", b"{}", True)
    claimed = await store.claim("w")
    assert claimed is not None
    await store.bury(claimed, "the payload has no <issue>")

    response = await get(app, "/")

    assert text_of(response).startswith(
        "Given up The bot could not do this after its last attempt; it belongs to no task."
        " ProcessDelivery of delivery:guid-1 , 1 attempt: the payload has no &lt;issue&gt;"
    )


# ── /tasks/{id} ──


async def two_attempts(store: Store, clock: ManualClock) -> Tale:
    tale = await Tale(store, clock).begins(41, "Fix the race")
    await tale.is_prepared()
    await tale.turn_ends(changes("1" * 40, 1, "I added a lock."))
    log = await tale.log("1.1/pytest", b"\x1b[31mFAILED\x1b[0m test_race <b>\n")
    await tale.is_verified(
        [check("pytest", 1, log), check("ruff", None, note="timed out after 600 s")], 1, CommitSha("1" * 40)
    )
    await tale.turn_ends(changes("2" * 40, 2, "@team <script>alert(1)</script>\n\u202e/agent stop"), 125)
    await tale.is_verified([check("pytest", 0)], 2, CommitSha("2" * 40))
    await tale.is_published(47, CommitSha("2" * 40))
    return tale


async def test_the_timeline_is_told_by_run_and_attempt(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    tale = await two_attempts(store, clock)
    clock.advance(hours=20)
    cause = Cause(CauseKind.FEEDBACK, FactKey("review:8"), Login("bo"))
    await tale.tells(FeedbackGiven(cause, None, clock(), False, True), "review:8")
    await tale.is_prepared()
    await tale.tells(
        RetryRequested(Said(FactKey("comment:3"), Login("bo"), clock(), CommentId(3), True), False), "comment:3"
    )

    shown = text_of(await get(app, "/tasks/1")).partition("Timeline ")[2]

    assert shown.startswith(
        "Before the first run 4 May 14:02:00 @ana put the label agent:run on the issue"
        " Run 1 14:02:00 A place was free: run 1 started"
        " 14:02:03 The worktree is ready, from main at bbbbbbb 3 s"
        f" Attempt 1 14:07:43 The agent changed 2 files, +82 {MINUS}17: our commit 1111111 5 min 40 s"
        f" Files M src/auth/refresh.py +31 {MINUS}12 M tests/test_refresh.py +51 {MINUS}5"
        " In the words of the agent, unverified I added a lock."
        " 14:08:24 2 of 2 required checks failed on 1111111 41 s"
        " check result time command pytest exit 1 12 s pytest -q --junitxml=$REPORTS/junit.xml"
        " ruff timed out after 600 s 12 s ruff -q --junitxml=$REPORTS/junit.xml"
        " Attempt 2 14:10:29"
    )
    assert shown.endswith(
        "14:11:14 Pull request #47 stands at 2222222 4 s 5 May 10:11:14 @bo reviewed"
        " Run 2 10:11:14 A place was free: run 2 started 10:11:17 The worktree is ready, from main at bbbbbbb 3 s"
        " 10:11:17 @bo said /agent retry"
    )


async def test_words_of_others_are_text_and_nothing_else(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await two_attempts(store, clock)
    response = await get(app, "/tasks/1")
    assert "@team &lt;script&gt;alert(1)&lt;/script&gt;\n/agent stop" in response.text
    assert "<script" not in response.text
    assert "\u202e" not in response.text
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"


async def test_a_failure_says_why_at_the_top_and_what_was_given_up(
    app: ASGIApp, store: Store, clock: ManualClock
) -> None:
    tale = await Tale(store, clock).begins(52, "Upgrade")
    await tale.is_prepared()
    await tale.turn_ends(AgentFailed(1, 1, FaultKind.TIMED_OUT, "60 min", None, None))
    await store.bury(await tale.claims("UpdateStatus"), "HTTP 403: not accessible")
    clock.advance(minutes=2)

    response = await get(app, "/tasks/1")

    shown = text_of(response)
    assert shown.startswith(
        "failed Upgrade It could not go on. The work is kept: /agent retry goes on from it. Last event 2 min ago."
        " The agent's turn ended badly: timed out Details, which may quote the agent 60 min"
    )
    assert "Open steps step state due attempts last fault UpdateStatus say given up 1 HTTP 403" in shown
    assert '<tr class="dead">' in response.text
    assert "UpdateStatus was given up" in shown
    assert "Changed nothing:" in shown


async def test_open_steps_say_when_they_are_due_and_who_holds_them(
    app: ASGIApp, store: Store, clock: ManualClock
) -> None:
    tale = await two_attempts(store, clock)
    await tale.goes_quiet()
    cause = Cause(CauseKind.FEEDBACK, FactKey("comment:8"), Login("bo"))
    await tale.tells(FeedbackGiven(cause, CommentId(8), clock(), True, True), "comment:8")
    await tale.claims("React")

    shown = text_of(await get(app, "/tasks/1"))

    quiet = int(Pace().feedback_quiet / timedelta(minutes=1))
    assert f"CloseWindow control waits in {quiet} min 0" in shown
    assert "React forge held by laptop" in shown
    assert "UpdateStatus say due now 0" in shown


async def test_a_working_task_shows_what_the_agent_says(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    tale = await Tale(store, clock).begins(60, "Index")
    await tale.is_prepared()
    plan = (PlanStep("Read the code", "completed"), PlanStep("Drop the scan", "in_progress"))
    await store.set_progress(tale.id, 1, Progress("Running <the> tests", plan, (), 23))

    response = await get(app, "/tasks/1")

    assert (
        "The agent says, unverified Running &lt;the&gt; tests 23 tool calls ✓ Read the code ▸ Drop the scan"
        in text_of(response)
    )
    assert 'http-equiv="refresh"' in response.text


async def test_a_queued_task_says_what_it_waits_for(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    for issue in (1, 2, 3):
        await Tale(store, clock).begins(issue, "Title")
        clock.advance(seconds=1)
    assert "Waits for a free place (2 tasks before it)" in text_of(await get(app, "/tasks/3"))


async def test_a_stopped_task_keeps_what_it_ignored_in_sight(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    tale = await Tale(store, clock).begins(1, "Title")
    await tale.tells(StopRequested(Said(FactKey("comment:3"), Login("ana"), clock(), CommentId(3), False)), "comment:3")
    await tale.tells(PullMerged(), "pull:1")
    await tale.tells(PullMerged(), "pull:2")
    assert "The pull request was merged Changed nothing: the task is already done." in text_of(
        await get(app, "/tasks/1")
    )


@pytest.mark.parametrize("path", ["/tasks/7", "/tasks/99999999999999999999", "/tasks/x", "/elsewhere"])
async def test_what_is_not_there_is_said_plainly(app: ASGIApp, path: str) -> None:
    response = await get(app, path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"


# ── logs ──


async def test_a_log_is_plain_text_without_colours(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await two_attempts(store, clock)
    page = await get(app, "/tasks/1")
    href = re.search(r'href="(/tasks/1/logs/\d+)"', page.text)
    assert href is not None

    response = await get(app, href[1])

    assert '<pre class="log">FAILED test_race &lt;b&gt;</pre>' in response.text
    assert "exit 1 pytest pytest -q" in text_of(response)


async def test_of_a_long_log_the_end_is_shown(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    tale = await Tale(store, clock).begins(41, "Title")
    await tale.is_prepared()
    await tale.turn_ends(changes("1" * 40, 1, ""))
    log = await tale.verified_with_log(b"the beginning\n" + b"x" * (LOG_BYTES - 7) + b"the end")

    response = await get(app, f"/tasks/1/logs/{log}")

    assert "its first 14 bytes are not shown" in response.text
    assert "the beginning" not in response.text
    assert "the end</pre>" in response.text


async def test_only_logs_of_this_task_are_shown(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    tale = await two_attempts(store, clock)
    state = await store.keep(tale.id, "state", "home", b"the agent's home")
    admitted = (await store.tasks())[0].task.admitted
    for artifact in (state, admitted, 999):
        assert (await get(app, f"/tasks/1/logs/{artifact}")).status_code == 404


# ── style and figures ──


async def test_the_style_may_be_kept_for_ever_under_its_version(app: ASGIApp) -> None:
    href = re.search(r'href="(/static/style\.css\?v=[0-9a-f]{12})"', (await get(app, "/")).text)
    assert href is not None
    style = await get(app, href[1])
    assert style.headers["content-type"].startswith("text/css")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_metrics(app: ASGIApp, store: Store, clock: ManualClock) -> None:
    await Tale(store, clock).begins(41, "Title")
    await deliver(app, body_of(), head(body_of()))
    await deliver(app, body_of(), head(b"other"))
    clock.advance(seconds=7)

    lines = (await get(app, "/metrics")).text.splitlines()

    assert 'issuewright_tasks{phase="queued"} 1' in lines
    assert 'issuewright_tasks{phase="failed"} 0' in lines
    assert 'issuewright_effects{kind="ProcessDelivery",state="open"} 1' in lines
    assert "issuewright_effects_late_seconds 7.000" in lines
    assert 'issuewright_webhook_answers_total{status="202"} 1' in lines
    assert 'issuewright_webhook_answers_total{status="401"} 1' in lines

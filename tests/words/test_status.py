"""The status comment says where a task stands, in every phase."""

from datetime import timedelta

import pytest
from inline_snapshot import snapshot

from bot.task.events import RunAdmitted, TaskEvent, WorkspacePrepared
from bot.task.history import Recorded
from bot.task.ids import BranchName, FactKey
from bot.task.model import Phase
from bot.task.results import PlanStep, Progress
from bot.words.comments import HELP, announcement, reply, why_failed
from bot.words.status import View, status
from tests.task.samples import AT, EVENTS, RUN, SHA, task


def recorded(*events: TaskEvent) -> list[Recorded]:
    """Events ten seconds apart."""
    return [
        Recorded(number, AT + timedelta(seconds=10 * number), FactKey(f"effect:{number}"), event)
        for number, event in enumerate(events)
    ]


HISTORY = recorded(RunAdmitted(RUN), WorkspacePrepared(RUN, SHA, BranchName("main"), None, True, 2))


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_its_words(phase: Phase) -> None:
    said = status(View(task(phase), HISTORY))
    assert said.startswith("**")
    assert "@maintainer" in said


def test_a_running_task() -> None:
    plan = (PlanStep("look", "completed"), PlanStep("mend @octocat", "in_progress"), PlanStep("test", "pending"))
    progress = Progress("running the tests @octocat", plan, ("a.py", "b`/agent stop.py"))
    working = View(task(Phase.WORKING), HISTORY, progress)
    assert status(working) == snapshot("""\
**Working** · run 2 · started 09:00 UTC · scripted · asked by @maintainer
✅ prepared 10 s → ⏳ agent → checks → pull request
Now: running the tests @\u200boctocat
Done: look (1 of 3 steps).
Next: mend @\u200boctocat; test.
So far: 2 files: `a.py`, `b/agent stop.py`.
`/agent stop` keeps the work\
""")


def test_only_the_first_few_files_are_named() -> None:
    progress = Progress(files=tuple(f"{number}.py" for number in range(9)))
    assert "9 files: `0.py`, `1.py`, `2.py`, `3.py`, `4.py` and 4 more." in status(
        View(task(Phase.WORKING), HISTORY, progress)
    )


def test_a_queued_task_says_what_it_waits_for() -> None:
    assert status(View(task(Phase.QUEUED), [], position=2)) == snapshot("""\
**Queued, 2nd** · run 2 · scripted · asked by @maintainer
Waits for a free place; the runs before it end or stop. `/agent stop` takes it out of the queue.\
""")


def test_every_reason_to_stop_is_told() -> None:
    assert why_failed(recorded(EVENTS["AgentFailed (timed out)"]), RUN) == snapshot(
        "the agent's time was up: 60 minutes"
    )
    assert why_failed(recorded(EVENTS["HarvestRejected"]), RUN) == snapshot("""\
the agent's changes may not be taken over:

- `.github/x` is protected\
""")
    assert why_failed(recorded(EVENTS["RunRefused"]), RUN) == snapshot("the repository is empty.")
    assert why_failed(recorded(EVENTS["EffectFailed (a step)"]), RUN) == snapshot(
        "a fault of the bot itself in step RunAgent: disk full"
    )
    assert why_failed([], RUN) == snapshot("the reason is not recorded; the operator's log has it.")


def test_every_answer_and_announcement_has_its_words() -> None:
    from bot.task.effects import Answer, Topic

    assert all(reply(answer) for answer in Answer)
    assert all("@maintainer" in announcement(topic, task(Phase.IN_REVIEW), HISTORY, RUN) for topic in Topic)
    assert "I do not know `/agent dance`." in reply(Answer.HELP, "dance")
    assert HELP in reply(Answer.HELP)

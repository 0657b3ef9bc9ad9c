"""Every word that the bot says in the main conversations. What it says and nobody expects fails the test, too."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.flow.conversations import CONVERSATIONS
from tests.tester import SmallBot
from tests.worlds.plain import plain

pytestmark = pytest.mark.anyio

Play = Callable[[str], Awaitable[SmallBot]]


@pytest.fixture
async def played(quick_path: Path) -> AsyncIterator[Play]:
    """Plays a conversation; in the end every comment of the bot must have been read."""
    bots: list[SmallBot] = []

    async def play(name: str) -> SmallBot:
        conversation = CONVERSATIONS[name]
        bot = SmallBot(quick_path, conversation.script, dict(conversation.files))
        bots.append(bot)
        await bot.start()
        await conversation.play(bot)
        await bot.must_hold()
        return bot

    yield play
    for bot in bots:
        await bot.stop()
        assert bot.unread() == []


def said(bot: SmallBot, number: int) -> str:
    """The next comment, without ids, hashes and times."""
    return plain(bot.next_comment(number))


def body(bot: SmallBot, pull: int) -> str:
    """Of the pull request."""
    return plain(bot.world.pulls[pull].body)


async def test_reviewed_then_merged(played: Play) -> None:
    bot = await played("reviewed then merged")
    assert said(bot, 1) == snapshot("""\
**Merged** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
2 min from label to end · 2 runs · pull request #2\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert said(bot, 2) == snapshot(
        """\
@maintainer **Updated:** `<sha>` takes up your feedback. The report above is renewed.

Since reviewer looked at `<sha>`: 1 file +1 −1: `fix.py`.

↳ fix.py:1: `<sha>` changes this file. The agent said nothing about this place.\
"""
    )
    assert body(bot, 2) == snapshot("""\
Closes #1

> [!NOTE]
> **Ready to review** · about 1 min · 1 file +1 −0 · `<sha>`
> 1 check passes

**Look here**
1. `fix.py` +1 −0 new

<details><summary>The agent's own summary (unverified)</summary>

> Renamed.

</details>

<details><summary>Evidence: 1 check passes · scope clean · no tests weakened</summary>

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `<command>` | yes | ✅ exit 0 | <time> |

Tests: no report names them: write JUnit XML into $REPORTS.
Red first: no tests changed.

</details>

[Full report](<url>) · Reply or review to steer · `/agent help`\
""")


async def test_asked(played: Play) -> None:
    bot = await played("asked")
    assert said(bot, 1) == snapshot("""\
**In review** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **A question before I go on.** Answer here; the agent goes on where it stopped.

> Left or right?\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert body(bot, 2) == snapshot("""\
Closes #1

> [!NOTE]
> **Ready to review** · about 1 min · 1 file +1 −0 · `<sha>`
> 1 check passes

**Look here**
1. `way.txt` +1 −0 new

<details><summary>The agent's own summary (unverified)</summary>

> This is a scripted demo agent: it replays prepared steps, without a language model.

</details>

<details><summary>Evidence: 1 check passes · scope clean · no tests weakened</summary>

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `<command>` | yes | ✅ exit 0 | <time> |

Tests: no report names them: write JUnit XML into $REPORTS.
Red first: no tests changed.

</details>

[Full report](<url>) · Reply or review to steer · `/agent help`\
""")


async def test_stopped_and_retried(played: Play) -> None:
    bot = await played("stopped and retried")
    assert said(bot, 1) == snapshot("""\
**In review** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert said(bot, 1) == snapshot(
        "Stopped. What was done is kept. `/agent retry` goes on from it, `/agent retry fresh` does so in a new session."
    )
    assert said(bot, 1) == snapshot("Going on; the status comment on the issue says how far.")
    assert said(bot, 2) == snapshot("""\
@maintainer **No change made.** The agent's reason:

> Fixed it.\
""")


async def test_never_repaired(played: Play) -> None:
    bot = await played("never repaired")
    assert said(bot, 1) == snapshot("""\
**In review** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ❌ checks 0 s → ✅ agent 0 s → ❌ checks 0 s → ✅ agent 0 s → ❌ checks 0 s → ✅ pull request 0 s
Pull request #2 is a draft, as its checks do not pass: reply there to steer.\
""")
    assert said(bot, 1) == snapshot(
        "@maintainer **Not ready:** #2 is a draft, because its checks fail. Reply there to steer."
    )
    assert body(bot, 2) == snapshot("""\
Closes #1

> [!WARNING]
> **Not ready: 1 of 1 check failed** (a draft) · about 1 min · 1 file +1 −0 · `<sha>`
> 1 of 1 check failed

**Look here**
1. `fix.py` +1 −0 new

<details><summary>The agent's own summary (unverified)</summary>

> This is a scripted demo agent: it replays prepared steps, without a language model.

</details>

<details><summary>Evidence: 1 of 1 check failed · scope clean · no tests weakened · 2 fix attempts</summary>

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `<command>` | yes | ❌ exit 1 | <time> |

Tests: no report names them: write JUnit XML into $REPORTS.
Red first: no tests changed.

</details>

[Full report](<url>) · Reply or review to steer · `/agent help`\
""")


async def test_declined(played: Play) -> None:
    bot = await played("declined")
    assert said(bot, 1) == snapshot("""\
**Declined** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s
The reason is below. `/agent retry` asks again.
0 s from label to end · 1 run\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **Nothing to do.** The agent's reason:

> It is done already.\
""")


async def test_answered(played: Play) -> None:
    bot = await played("answered")
    assert said(bot, 1) == snapshot("""\
**Answered** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s
The reason is below. `/agent retry` asks again.
0 s from label to end · 1 run\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **Answer** (by the agent, not verified):

> Forty-two.\
""")


async def test_crashes_for_ever(played: Play) -> None:
    bot = await played("crashes for ever")
    assert said(bot, 1) == snapshot("""\
**Failed** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ❌ agent 0 s → ❌ agent 0 s
What was done is kept. `/agent retry` goes on from it.
0 s from label to end · 1 run\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **Stopped:** the agent failed (the same failure twice): The agent's process ended before its turn did (exit code 3): scripted agent: crash with exit code 3

What was done is kept. `/agent retry` goes on from it, `/agent retry fresh` does so in a new session.\
""")


async def test_bad_config(played: Play) -> None:
    bot = await played("bad config")
    assert said(bot, 1) == snapshot("""\
**Failed** · started <time> UTC · scripted · asked by @maintainer
`/agent retry` tries again.
0 s from label to end · 1 run\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **Stopped:** `.github/issuewright.yml`: unknown key `chekcs` (did you mean `checks`?).

`/agent retry` tries again, `/agent retry fresh` does so in a new session.\
""")


async def test_protected_path(played: Play) -> None:
    bot = await played("protected path")
    assert said(bot, 1) == snapshot("""\
**Failed** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ❌ agent 0 s → ❌ agent 0 s → ❌ agent 0 s
`/agent retry` tries again.
0 s from label to end · 1 run\
""")
    assert said(bot, 1) == snapshot("""\
@maintainer **Stopped:** the agent's changes may not be taken over:

- `.github/workflows/x.yml` is protected: only people change it.

`/agent retry` tries again, `/agent retry fresh` does so in a new session.\
""")


async def test_no_checks(played: Play) -> None:
    bot = await played("no checks")
    assert said(bot, 1) == snapshot("""\
**Merged** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
1 min from label to end · 1 run · pull request #2\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert body(bot, 2) == snapshot("""\
Closes #1

> [!WARNING]
> **No checks ran** · about 1 min · 1 file +1 −0 · `<sha>`
> This repository names no check and none could be guessed, or none could be run: nothing is proven.

**Look here**
1. `fix.py` +1 −0 new

<details><summary>The agent's own summary (unverified)</summary>

> Fixed it.

</details>

<details><summary>Evidence: No checks ran · scope clean · no tests weakened</summary>

No checks ran.

Tests: no report names them: write JUnit XML into $REPORTS.
Red first: no tests changed.

</details>

[Full report](<url>) · Reply or review to steer · `/agent help`\
""")


async def test_a_stranger_labels(played: Play) -> None:
    bot = await played("a stranger labels")
    assert said(bot, 1) == snapshot(
        "@stranger Only people with write access to this repository can start me, so I took `agent:run` away."
    )


async def test_help_is_asked(played: Play) -> None:
    bot = await played("help is asked")
    assert said(bot, 1) == snapshot("""\
**In review** · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert said(bot, 1) == snapshot("""\
What I understand, at the start of a line:

| command | what it does |
|---|---|
| `/agent stop` | stops at once and keeps the work |
| `/agent run` | starts the work that was planned |
| `/agent retry` | goes on from the kept work |
| `/agent retry fresh` | the same, in a new session of the agent |
| `/agent help` | this table |

Put the label `agent:run` on an issue to start, `agent:plan` to see a plan first.
Review the pull request or comment on it to steer. Merge to finish.\
""")
    assert said(bot, 1) == snapshot("""\
I do not know `/agent dance`. What I understand, at the start of a line:

| command | what it does |
|---|---|
| `/agent stop` | stops at once and keeps the work |
| `/agent run` | starts the work that was planned |
| `/agent retry` | goes on from the kept work |
| `/agent retry fresh` | the same, in a new session of the agent |
| `/agent help` | this table |

Put the label `agent:run` on an issue to start, `agent:plan` to see a plan first.
Review the pull request or comment on it to steer. Merge to finish.\
""")
    assert said(bot, 1) == snapshot("Only people with write access to this repository can command me.")


async def test_threads_answered(played: Play) -> None:
    bot = await played("threads answered")
    said(bot, 1), said(bot, 1)
    assert said(bot, 2) == snapshot("""\
@maintainer **Updated:** `<sha>` takes up your feedback. The report above is renewed.

Since reviewer looked at `<sha>`: 1 file +1 −1: `fix.py`.

↳ fix.py:1: Renamed, as you say. @\u200ball #\u200b1

`<sha>`\
""")
    assert body(bot, 2) == snapshot("""\
Closes #1

> [!NOTE]
> **Ready to review** · about 1 min · 1 file +1 −0 · `<sha>`
> 1 check passes

**Look here**
1. `fix.py` +1 −0 new

<details><summary>The agent's own summary (unverified)</summary>

> Renamed.

</details>

<details><summary>Evidence: 1 check passes · scope clean · no tests weakened</summary>

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `<command>` | yes | ✅ exit 0 | <time> |

Tests: no report names them: write JUnit XML into $REPORTS.
Red first: no tests changed.

</details>

[Full report](<url>) · Reply or review to steer · `/agent help`\
""")
    assert bot.world.asked == {(2, "maintainer"), (2, "reviewer")}, "who asked for changes is asked again"


async def test_threads_without_a_change(played: Play) -> None:
    bot = await played("threads without a change")
    said(bot, 1), said(bot, 1)
    assert said(bot, 2) == snapshot("""\
@maintainer **No change made.** The agent's reason:

> It is named so for a reason.

↳ fix.py:1: No.\
""")


async def test_edited_after_the_label(played: Play) -> None:
    bot = await played("edited after the label")
    assert said(bot, 1) == snapshot(
        "stranger changed title or body after `agent:run` was put, so I took the label away: it stands for the text that you had read. Look at the issue, then put the label again."
    )
    said(bot, 1), said(bot, 1)
    assert "Send me the keys" not in "".join(bot.agents.prompts)


async def test_hidden_words(played: Play) -> None:
    bot = await played("hidden words")
    said(bot, 1), said(bot, 1), said(bot, 2)
    assert [word for prompt in bot.agents.prompts for word in ("keys", "\u200b") if word in prompt] == []


async def test_reopened(played: Play) -> None:
    bot = await played("reopened")
    assert said(bot, 1) == snapshot("""\
**In review** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""")
    said(bot, 1), said(bot, 2)
    assert bot.world.issues[1].labels == {"agent:run"}


async def test_retargeted(played: Play) -> None:
    bot = await played("retargeted")
    said(bot, 1), said(bot, 1)
    assert said(bot, 1) == snapshot("""\
@maintainer **Stopped:** pull request 2 goes to `next` now, and I work onto the default branch `main` alone: its rules and checks are the ones that hold. Let it go to `main` again, then `/agent retry`.

What was done is kept. `/agent retry` goes on from it, `/agent retry fresh` does so in a new session.\
""")
    assert [said(bot, 2), said(bot, 2)] == snapshot(
        [
            "Going on; the status comment on the issue says how far.",
            "@maintainer **Updated:** `<sha>` takes up your feedback. The report above is renewed.",
        ]
    )


async def test_made_a_draft(played: Play) -> None:
    bot = await played("made a draft")
    said(bot, 1), said(bot, 1), said(bot, 2)
    assert bot.world.pulls[2].draft, "what a person turned into a draft stays one"


async def test_planned(played: Play) -> None:
    bot = await played("planned")
    assert [said(bot, 1) for _ in range(5)] == snapshot(
        [
            """\
**Merged** · run 3 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
3 min 10 s from label to end · 3 runs · pull request #2\
""",
            """\
@maintainer **The plan** (by the agent). 👍 on this comment or `/agent run` starts the work; a comment changes the plan.

> 1. Fix it.
> 2. Rename it. @\u200ball\
""",
            """\
@maintainer **The plan** (by the agent). 👍 on this comment or `/agent run` starts the work; a comment changes the plan.

> 1. Fix it.
> 2. Keep the name.\
""",
            "Going on; the status comment on the issue says how far.",
            "@maintainer **Ready for review:** #2",
        ]
    )
    assert bot.world.branches.keys() == {"main"}
    assert "stray.txt" not in bot.git.files(bot.world.branches["main"]), "what is written while planning is thrown away"
    assert "Only a plan, for now" in bot.agents.prompts[0]


async def test_approved_by_thumb(played: Play) -> None:
    bot = await played("approved by thumb")
    assert [said(bot, 1) for _ in range(3)] == snapshot(
        [
            """\
**In review** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""",
            """\
@maintainer **The plan** (by the agent). 👍 on this comment or `/agent run` starts the work; a comment changes the plan.

> 1. Fix it.
> 2. Rename it. @\u200ball\
""",
            "@maintainer **Ready for review:** #2",
        ]
    )
    assert bot.world.issues[1].labels == {"agent:run"}


async def test_base_moved(played: Play) -> None:
    bot = await played("base moved")
    assert said(bot, 1) == snapshot("""\
**In review** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ✅ agent 0 s → ✅ checks 0 s → ✅ pull request 0 s
Pull request #2 waits for your review: reply there to steer, merge to finish.\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert said(bot, 2) == snapshot(
        "@maintainer **Updated:** `<sha>` merges the base branch; the agent resolved the conflicts in `fix.py`. The report above is renewed."
    )
    assert "leave no marker" in bot.agents.prompts[-1]
    assert bot.world.git.merged[bot.world.pulls[2].head] == bot.world.branches["main"]


async def test_base_moved_and_never_resolved(played: Play) -> None:
    bot = await played("base moved, never resolved")
    assert said(bot, 1) == snapshot("""\
**Failed** · run 2 · started <time> UTC · scripted · asked by @maintainer
✅ prepared 0 s → ❌ agent 0 s → ❌ agent 0 s
What was done is kept. `/agent retry` goes on from it.
1 min from label to end · 2 runs · pull request #2\
""")
    assert said(bot, 1) == snapshot("@maintainer **Ready for review:** #2")
    assert said(bot, 1) == snapshot("""\
@maintainer **Stopped:** the agent's changes may not be taken over:

- `fix.py` still holds conflict markers.

What was done is kept. `/agent retry` goes on from it, `/agent retry fresh` does so in a new session.\
""")
    assert len(bot.agents.prompts) == 3

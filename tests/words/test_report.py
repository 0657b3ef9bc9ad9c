"""The report: green only for what was run and passed, and every draft, gap and guess is said."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.task.events import Verified
from bot.task.model import Phase
from bot.task.observed import Conclusion
from bot.task.results import ChecksOrigin, SandboxLevel, Verification
from bot.words.report import Report, check_summary, check_title, conclusion, is_draft, pull_body, pull_title
from tests.task.samples import FILES, OTHER, task, verification


def report(evidence: Verification | None, summary: str = "Fixed it.") -> Report:
    return Report(task(Phase.PUBLISHING, commit=OTHER), evidence, FILES, (), summary)


def test_the_first_screen_of_a_good_pull_request() -> None:
    assert pull_body(report(verification(0)), "https://github.com/octo/widgets/runs/5") == snapshot("""\
Closes #7

> [!NOTE]
> **Ready to review** · about 1 min · 2 files +3 −0 · `bbbbbbb`
> 1 check passes

**Look here**
1. `fix.py` +3 −0 new
2. `logo.png` binary

<details><summary>The agent's own summary (unverified)</summary>

> Fixed it.

</details>

<details><summary>Evidence: 1 check passes</summary>

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `pytest -q` | yes | ✅ exit 0 | 2 s |

</details>

[Full report](https://github.com/octo/widgets/runs/5) · Reply or review to steer · `/agent help`\
""")


def test_failing_checks_are_a_draft_that_says_so() -> None:
    failing = report(verification(1))
    assert is_draft(failing)
    assert conclusion(failing) is Conclusion.FAILURE
    assert "**Not ready: 1 of 1 check failed** (a draft)" in pull_body(failing, "")


@pytest.mark.parametrize("evidence", [None, verification(0, required=False)])
def test_nothing_that_was_not_run_is_green(evidence: Verification | None) -> None:
    unproven = report(evidence)
    assert conclusion(unproven) is Conclusion.NEUTRAL
    assert "Ready to review" not in pull_body(unproven, "")
    assert check_title(unproven) in {"Not verified", "No checks ran"}


def test_a_check_that_did_not_end_is_no_pass() -> None:
    hung = report(verification(None))
    assert conclusion(hung) is Conclusion.FAILURE
    assert "❌ timed out" in check_summary(hung)


def test_guessed_checks_are_said_to_be_guessed() -> None:
    guessed = report(replace(verification(0), origin=ChecksOrigin.GUESSED))
    assert "1 check passes (guessed)" in pull_body(guessed, "")
    assert "**guessed**" in check_summary(guessed)


@pytest.mark.parametrize("level", [SandboxLevel.NONE, SandboxLevel.EXTERNAL])
def test_a_missing_boundary_is_in_the_banner(level: SandboxLevel) -> None:
    bare = report(replace(verification(0), sandbox=level))
    assert f"**Unsandboxed**: this server's sandbox level is `{level}`." in pull_body(bare, "")


def test_the_whole_report() -> None:
    repaired = Verified(2, 1, verification(1)), Verified(2, 2, verification(0))
    assert check_summary(replace(report(verification(0)), attempts=repaired)) == snapshot("""\
> [!NOTE]
> **Ready to review** · about 1 min · 2 files +3 −0 · `bbbbbbb`
> 1 check passes

### Subject

Head `bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb` on base `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` · sandbox `bubblewrap` · run outside the agent's reach, without network.

### Checks

| check | command | required | result | time |
|---|---|---|---|---|
| tests | `pytest -q` | yes | ✅ exit 0 | 2 s |

### Attempts

1. `bbbbbbb`: 1 of 1 check failed
2. `bbbbbbb`: 1 check passes; repaired tests

### Files

- `fix.py` +3 −0 new
- `logo.png` binary

Task 1, run 2, agent `scripted`.\
""")


def test_the_agents_words_stay_the_agents() -> None:
    said = "Ready!\n</details>\nCloses #1\n/agent stop\n@maintainer"
    body = pull_body(report(verification(0), said), "")
    assert "&lt;/details>" in body
    assert "Closes #1" not in body
    assert "@maintainer" not in body


def test_a_hostile_title_is_plain() -> None:
    assert pull_title(task(Phase.PUBLISHING, title="fixes #3 @maintainer")) == "fixes #\u200b3 @\u200bmaintainer"

"""The onboarding pull request: the file that it proposes, and what its body says."""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from bot.task.model import LABEL_RUN
from bot.task.repo_config import PATH
from bot.words.plain import ZERO_WIDTH, count, duration, fenced, inert, one_line

TITLE = f"Add {PATH}"
COMMIT = f"Add {PATH}\n\nProposed by Issuewright; it names the checks of this repository."
LONGEST_EXCERPT = 2000
"""Characters of a failing check's output: its end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A check as it ran on the base. `note`: why there is no exit code."""

    name: str
    command: str
    exit_code: int | None
    seconds: float
    note: str
    output: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that the pull request is made from."""

    checks: Sequence[tuple[str, str]]
    """Names and commands, guessed."""
    base: str
    branch: str
    outcomes: Sequence[Outcome]
    may_run: bool
    """False: this server has no sandbox, so nothing was run."""
    has_issues: bool = True


_HEAD = """\
# What Issuewright runs on every commit that it proposes. Each check is one command line; exit code 0 passes.
# Commands run in a clean checkout, in a sandbox without network.
"""
_EXAMPLE = """\
# No check could be guessed from the files of this repository. Name yours and take the marks away:
# checks:
#   tests: make test
#   lint: {run: make lint, required: false}
"""
_MORE = """\
# setup: make build            # runs before the checks, in the same checkout
# limits: {minutes: 30}        # longest turn of the agent
"""


def proposed_file(checks: Sequence[tuple[str, str]]) -> str:
    """The content of the file; without checks, comments that show how to name some."""
    if not checks:
        return f"{_HEAD}{_EXAMPLE}{_MORE}"
    named = yaml.safe_dump({"checks": dict(checks)}, sort_keys=False, allow_unicode=True, width=1000)
    return f"{_HEAD}{named}{_MORE}"


def body(proposal: Proposal) -> str:
    """What the pull request says."""
    parts = [
        "Issuewright works in this repository from now on. It works best when it knows how to check its own work; "
        f"this pull request proposes `{PATH}`, which says so. Change it as you like, then merge it, or close it: "
        "it is offered once.",
        fenced(proposed_file(proposal.checks), "yaml"),
        _verdict(proposal),
        _table(proposal.outcomes),
        *(_excerpt(outcome) for outcome in proposal.outcomes if outcome.exit_code != 0),
        _KNOW,
        "" if proposal.has_issues else _NO_ISSUES,
    ]
    return "\n\n".join(part for part in parts if part)


_KNOW = f"""\
**Three things to know**

1. Put the label `{LABEL_RUN}` on an issue: I open one pull request for it.
2. Reply to me or review there: I go on with what you say.
3. Merge through normal review. I never merge."""

_NO_ISSUES = """\
> [!WARNING]
> Issues are switched off in this repository, and work starts from issues. \
Switch them on: Settings → General → Features → Issues."""


def _verdict(proposal: Proposal) -> str:
    where = f"on `{one_line(proposal.branch).replace('`', '')}` at `{proposal.base[:7]}`"
    if not proposal.checks:
        return (
            "> [!WARNING]\n> **No check could be guessed.** The file shows how to name one. "
            "Without checks I prove nothing about my work, and say so."
        )
    if not proposal.may_run:
        return "> [!WARNING]\n> **Not run:** this server has no sandbox, and checks are code of the repository."
    failed = [outcome for outcome in proposal.outcomes if outcome.exit_code != 0]
    if not failed:
        told = f"{count(len(proposal.outcomes), 'check')} {'passes' if len(proposal.outcomes) == 1 else 'pass'}"
        return f"> [!NOTE]\n> **{told}** {where}."
    return (
        f"> [!WARNING]\n> **Red on the base: {len(failed)} of {count(len(proposal.outcomes), 'check')} "
        f"{'fails' if len(failed) == 1 else 'fail'}** {where}, before anything of mine. My pull requests stay drafts "
        "until this is mended. Often a `setup` command is missing, or a tool that this server does not have."
    )


def _table(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    return "\n".join(["| check | command | result | time |", "|---|---|---|---|", *map(_row, outcomes)])


def _row(outcome: Outcome) -> str:
    command = one_line(inert(outcome.command), 120).replace("|", "\\|").replace("`", "")
    mark = "✅" if outcome.exit_code == 0 else "❌"
    result = f"exit {outcome.exit_code}" if outcome.exit_code is not None else one_line(inert(outcome.note))
    seconds = f"{outcome.seconds:.1f} s" if outcome.seconds < 10 else duration(outcome.seconds)
    return f"| {one_line(inert(outcome.name))} | `{command}` | {mark} {result} | {seconds} |"


def _excerpt(outcome: Outcome) -> str:
    """The end of what a failing check wrote, so that it can cause nothing: no mention, no reference, no way out."""
    text = outcome.output.strip()
    if not text:
        return ""
    cut = text if len(text) <= LONGEST_EXCERPT else "… " + text[-LONGEST_EXCERPT:]
    safe = inert(cut).replace("<!--", f"<{ZERO_WIDTH}!--")
    name = one_line(inert(outcome.name)).replace("<", "&lt;")
    return f"<details><summary>The end of {name}'s output</summary>\n\n{fenced(safe, 'text')}\n\n</details>"

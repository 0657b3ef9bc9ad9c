"""Every short comment to a person: announcements, and answers to commands."""

from typing import assert_never

from bot.task.effects import Answer, Refusal, Topic
from bot.task.events import (
    AgentFailed,
    EffectFailed,
    HarvestRejected,
    IssueAnswered,
    NothingDone,
    PlanMade,
    Published,
    PublishRefused,
    QuestionAsked,
    RunRefused,
    WorkDeclined,
    WorkspacePrepared,
)
from bot.task.history import History, newest
from bot.task.lifecycle import LOST_WITH_THE_RUN
from bot.task.model import Task
from bot.task.results import FaultKind
from bot.words.plain import harmless, one_line, quoted

HELP = """\
| command | what it does |
|---|---|
| `/agent stop` | stops at once and keeps the work |
| `/agent run` | starts the work that was planned |
| `/agent retry` | goes on from the kept work |
| `/agent retry fresh` | the same, in a new session of the agent |
| `/agent help` | this table |

Put the label `agent:run` on an issue to start, `agent:plan` to see a plan first.
Review the pull request or comment on it to steer. Merge to finish.\
"""


def announcement(topic: Topic, task: Task, history: History, run: int) -> str:
    """One new short comment that mentions the person who asked."""
    who = f"@{task.requester}"
    match topic:
        case Topic.READY:
            if _is_draft(history, run):
                return f"{who} **Not ready:** #{task.pull} is a draft, because its checks fail. Reply there to steer."
            return f"{who} **Ready for review:** #{task.pull}"
        case Topic.UPDATED:
            draft = " Its checks fail, so this is a draft." if _is_draft(history, run) else ""
            done = _merged(history, run) or "takes up your feedback"
            return f"{who} **Updated:** `{_short(task.head)}` {done}. The report above is renewed.{draft}"
        case Topic.UNCHANGED:
            return f"{who} **No change made.** The agent's reason:\n\n{quoted(reason(history, run))}"
        case Topic.QUESTION:
            return (
                f"{who} **A question before I go on.** Answer here; the agent goes on where it stopped.\n\n"
                f"{quoted(reason(history, run))}"
            )
        case Topic.PLAN:
            return (
                f"{who} **The plan** (by the agent). 👍 on this comment or `/agent run` starts the work; "
                f"a comment changes the plan.\n\n{quoted(reason(history, run))}"
            )
        case Topic.DECLINED:
            return f"{who} **Nothing to do.** The agent's reason:\n\n{quoted(reason(history, run))}"
        case Topic.ANSWERED:
            return f"{who} **Answer** (by the agent, not verified):\n\n{quoted(reason(history, run))}"
        case Topic.FAILED:
            return f"{who} **Stopped:** {why_failed(history, run)}\n\n{_how_to_go_on(task)}"
        case _:
            assert_never(topic)


def _merged(history: History, run: int) -> str:
    """What a run did that merged the base; empty: it did not."""
    prepared = newest(history, WorkspacePrepared, run)
    if prepared is None or (prepared.merged is None and not prepared.conflicts):
        return ""
    names = ", ".join(f"`{one_line(name, 80)}`" for name in prepared.conflicts[:5])
    more = f" and {len(prepared.conflicts) - 5} more" if len(prepared.conflicts) > 5 else ""
    return "merges the base branch" + (f"; the agent resolved the conflicts in {names}{more}" if names else "")


def _is_draft(history: History, run: int) -> bool:
    published = newest(history, Published, run)
    return published is not None and published.draft


_GO_ON = "`/agent retry` goes on from it, `/agent retry fresh` does so in a new session."


def _how_to_go_on(task: Task) -> str:
    if task.commit or task.pull:
        return f"What was done is kept. {_GO_ON}"
    return "`/agent retry` tries again, `/agent retry fresh` does so in a new session."


def reply(answer: Answer, word: str = "") -> str:
    """An answer to a command, where it was given."""
    match answer:
        case Answer.HELP:
            unknown = f"I do not know `/agent {one_line(word, 40).replace('`', '')}`. " if word else ""
            return f"{unknown}What I understand, at the start of a line:\n\n{HELP}"
        case Answer.STOPPED:
            return f"Stopped. What was done is kept. {_GO_ON}"
        case Answer.RETRYING:
            return "Going on; the status comment on the issue says how far."
        case Answer.ALREADY_RUNNING:
            return "A run is wanted or going on already. `/agent stop` ends it first."
        case Answer.NOTHING_TO_STOP:
            return "Nothing to stop: this task has ended."
        case Answer.FINISHED:
            return "This task has ended for good. Put the label `agent:run` on the issue to start a new one."
        case Answer.STALE:
            return "Ignored: a newer command was obeyed before this one arrived."
        case Answer.DENIED:
            return "Only people with write access to this repository can command me."
        case Answer.ISSUE_CLOSED:
            return "The issue is closed. Reopen it first, then ask me again."
        case _:
            assert_never(answer)


def why_failed(history: History, run: int) -> str:
    """One sentence that says what stopped the run, and whose turn it is."""
    for recorded in reversed(history):
        match recorded.event:
            case AgentFailed(kind=FaultKind.TIMED_OUT, detail=detail) if recorded.event.run == run:
                return f"the agent's time was up: {harmless(one_line(detail))}"
            case AgentFailed(kind=FaultKind.BUDGET, detail=detail) if recorded.event.run == run:
                return f"a limit on the use of models was reached: {harmless(one_line(detail))}"
            case AgentFailed(kind=kind, detail=detail) if recorded.event.run == run:
                return f"the agent failed ({kind}): {harmless(one_line(detail))}"
            case HarvestRejected(violations=violations) if recorded.event.run == run:
                found = "\n".join(f"- {harmless(one_line(violation))}" for violation in violations[:10])
                return f"the agent's changes may not be taken over:\n\n{found}"
            case RunRefused(reason=reason) | PublishRefused(reason=reason) if recorded.event.run == run:
                return harmless(reason)
            case EffectFailed(kind=kind, fault=fault) if kind in LOST_WITH_THE_RUN:
                return f"a fault of the bot itself in step {kind}: {harmless(one_line(fault))}"
            case _:
                continue
    return "the reason is not recorded; the operator's log has it."


def reason(history: History, run: int) -> str:
    """What the agent said instead of changing something, made harmless."""
    for recorded in reversed(history):
        match recorded.event:
            case (
                QuestionAsked(run=of, question=text)
                | WorkDeclined(run=of, reason=text)
                | IssueAnswered(run=of, text=text)
                | PlanMade(run=of, plan=text)
            ) if of == run:
                return harmless(text)
            case NothingDone(summary=text) if recorded.event.run == run:
                return harmless(text) or "it ended its turn without a change and without a word."
            case _:
                continue
    return "none given."


def _short(commit: str | None) -> str:
    return (commit or "")[:7]


def refusal(why: Refusal, by: str) -> str:
    """To a label or a command that starts nothing."""
    match why:
        case Refusal.LABEL_DENIED:
            return f"@{by} Only people with write access to this repository can start me, so I took `agent:run` away."
        case Refusal.EDITED_SINCE:
            return (
                f"{by} changed title or body after `agent:run` was put, so I took the label away: it stands for the "
                "text that you had read. Look at the issue, then put the label again."
            )
        case Refusal.LABEL_ON_PULL:
            return "`agent:run` belongs on an issue: I open the pull request myself. I took the label away."
        case Refusal.NO_TASK:
            return "There is no task on this issue. Put the label `agent:run` on it to start one."
        case _:
            assert_never(why)

"""What we answer in review threads, and what changed since a reviewer looked."""

from collections.abc import Mapping, Sequence

from bot.task.events import ChangesMade, IssueAnswered, NothingDone, Published, WorkDeclined
from bot.task.history import History, newest
from bot.task.ids import CommitSha
from bot.task.observed import Review, ThreadReply
from bot.words.plain import MINUS, count, harmless

MOST_FILES = 10
"""Named in one line."""


def thread_replies(threads: Mapping[int, str], history: History, run: int) -> tuple[ThreadReply, ...]:
    """An answer for every thread (its number and the path it stands at): the agent's words, or what was seen."""
    told = _told(history, run)
    published = newest(history, Published, run)
    return tuple(ThreadReply(thread, _reply(told.get(thread), path, published)) for thread, path in threads.items())


def _reply(told: str | None, path: str, published: Published | None) -> str:
    if published is None:
        return harmless(told) if told else "No change was made; the reason stands in the review."
    commit = f"`{published.head[:7]}`"
    if told:
        return f"{harmless(told)}\n\n{commit}"
    if any(change.path == path for change in published.changed):
        return f"{commit} changes this file. The agent said nothing about this place."
    return f"Not touched by {commit}. The agent gave no reason."


def _told(history: History, run: int) -> dict[int, str]:
    """A later attempt may answer anew, and need not."""
    told: dict[int, str] = {}
    for recorded in history:
        match recorded.event:
            case (
                ChangesMade(run=of, threads=said)
                | NothingDone(run=of, threads=said)
                | WorkDeclined(run=of, threads=said)
                | IssueAnswered(run=of, threads=said)
            ) if of == run and recorded.ignored is None:
                told |= dict(said)
            case _:
                continue
    return told


def since_reviews(reviews: Sequence[Review], history: History) -> list[str]:
    """One line per reviewer: which files changed since the head that he looked at."""
    return [
        line for review in reviews if review.commit and (line := _since(review.author.login, review.commit, history))
    ]


def _since(login: str, looked_at: CommitSha, history: History) -> str:
    heads = [one.event for one in history if one.ignored is None and isinstance(one.event, Published)]
    at = next((place for place, event in enumerate(heads) if event.head == looked_at), None)
    if at is None:
        return ""
    changes = {change.path: change for event in heads[at + 1 :] for change in event.changed}
    if not changes:
        return ""
    added, removed = (sum(getattr(one, side) or 0 for one in changes.values()) for side in ("added", "removed"))
    named = ", ".join(f"`{path.replace('`', '')}`" for path in list(changes)[:MOST_FILES])
    rest = f" and {len(changes) - MOST_FILES} more" if len(changes) > MOST_FILES else ""
    size = f"{count(len(changes), 'file')} +{added} {MINUS}{removed}"
    return f"Since {login} looked at `{looked_at[:7]}`: {size}: {named}{rest}."

"""Facts told to tasks: event, new state and effects in the caller's one transaction. The lifecycle decides."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.store import claims, deliveries, effects, homes, pauses, queue, tasks
from bot.store import schema as s
from bot.store.values import Applied, Claimed, DeliveryState, Finished, Repeated
from bot.task.codec import encode
from bot.task.effects import CloseWorkspace, Lane, Pace, ProcessDelivery, TaskEffect, lane, wait
from bot.task.events import EffectFailed, Labelled, RunAdmitted, TaskEvent
from bot.task.ids import DeliveryId, EffectId, FactKey, TaskId
from bot.task.lifecycle import begins_anew, birth, transition
from bot.task.model import Task
from bot.task.moves import Moved, Transition


def result_key(effect: EffectId) -> FactKey:
    """The result of an effect is one fact, however often it is told."""
    return FactKey(f"effect:{effect}")


class Facts:
    """One transaction's way to tell facts: the connection, the time, and how long things wait."""

    def __init__(self, conn: Connection, pace: Pace, now: datetime) -> None:
        self.conn = conn
        self.pace = pace
        self.now = now

    def begin(self, event: Labelled, key: FactKey) -> Applied | None:
        """The label. None: this very labelling has started a task already."""
        issue = event.issue
        latest = tasks.lock_latest(self.conn, issue)
        if tasks.is_consumed(self.conn, issue.repo.id, issue.number, event.label_event):
            return None
        if latest is not None and not begins_anew(latest):
            applied = self.apply(latest, event, key)
        else:
            generation = 1 if latest is None else latest.generation + 1
            born = birth(tasks.reserve(self.conn, issue, generation, self.now), generation, event)
            applied = self._record(born.task, event, key, born)
        if isinstance(applied.result, Moved):
            tasks.consume(self.conn, applied.task, event.label_event)
        return applied

    def apply(self, task: Task, event: TaskEvent, key: FactKey) -> Applied:
        """Tell a fact to a task that is locked."""
        if tasks.knows(self.conn, task.id, key):
            return Applied(task, Repeated())
        return self._record(task, event, key, transition(task, event))

    def _record(self, task: Task, event: TaskEvent, key: FactKey, result: Transition) -> Applied:
        row = {
            "task_id": task.id,
            "key": key,
            "kind": type(event).__name__,
            "payload": encode(event),
            "ignored": None if isinstance(result, Moved) else result.reason,
            "at": self.now,
        }
        self.conn.execute(s.events.insert().values(row))
        if not isinstance(result, Moved):
            return Applied(task, result)
        tasks.save(self.conn, result.task, self.now)
        if result.revoke:
            effects.revoke(self.conn, task.id)
        self._ask(task.id, result.effects)
        return Applied(result.task, result)

    def _ask(self, task: TaskId, wanted: Sequence[TaskEffect]) -> None:
        """Steps of a run had better be done where the worktree stands."""
        steps = any(lane(effect) is Lane.WORK for effect in wanted)
        home = homes.of(self.conn, task) if steps else None
        for effect in wanted:
            at = home if lane(effect) is Lane.WORK else None
            effects.ask(self.conn, effects.subject_of(task), effect, wait(effect, self.pace), self.now, at)

    # ── effects that end ──

    def finish(self, claimed: Claimed, event: TaskEvent | None) -> Finished:
        """The effect goes and its result is told; neither if it is not ours any more."""
        task = None if claimed.task is None else tasks.lock(self.conn, claimed.task)
        if not claims.remove(self.conn, claimed):
            claims.let_go_if_revoked(self.conn, claimed)
            return Finished.LOST
        if task is not None and isinstance(claimed.effect, CloseWorkspace):
            homes.leave(self.conn, task.id)
        if event is not None:
            if task is None:
                raise ValueError(f"{claimed.subject} is no task: {type(event).__name__} cannot be told to it")
            self.apply(task, event, result_key(claimed.id))
        if isinstance(claimed.effect, ProcessDelivery):
            deliveries.settle(self.conn, claimed.effect.delivery, DeliveryState.PROCESSED)
        return Finished.DONE

    def bury(self, claimed: Claimed, fault: str) -> None:
        """Give an effect up that is ours."""
        task = None if claimed.task is None else tasks.lock(self.conn, claimed.task)
        if claims.is_owned(self.conn, claimed):
            kind = type(claimed.effect).__name__
            self._lose(task, claims.Doomed(claimed.id, claimed.subject, claimed.task, kind, fault))
        else:
            claims.let_go_if_revoked(self.conn, claimed)

    def bury_worn_out(self) -> None:
        """Give the oldest effect up that was claimed too often."""
        doomed = claims.worn_out(self.conn)
        if doomed is not None:
            self._lose(None if doomed.task is None else tasks.lock(self.conn, doomed.task), doomed)

    def _lose(self, task: Task | None, doomed: claims.Doomed) -> None:
        if not effects.mark_dead(self.conn, doomed.id, doomed.fault):
            return
        if task is not None:
            self.apply(task, EffectFailed(doomed.kind, doomed.fault), result_key(doomed.id))
        if doomed.kind == ProcessDelivery.__name__:
            deliveries.settle(self.conn, DeliveryId(doomed.subject.partition(":")[2]), DeliveryState.FAILED)

    # ── admission ──

    def admit(self, limit: int) -> list[Task]:
        """Start the runs that there are places for, oldest wish first, and none that a pause holds up.

        Lock order: limit, task, effect.
        """
        if queue.next_wish(self.conn, self.now) is None:
            return []
        tasks.hold_admission(self.conn)
        paused = pauses.held(self.conn)
        if paused is None:
            return []
        free = limit - tasks.running(self.conn)
        admitted: list[Task] = []
        while free > len(admitted) and (wish := queue.next_wish(self.conn, self.now, paused)) is not None:
            task = tasks.lock(self.conn, wish.task)
            if not queue.grant(self.conn, wish):
                continue
            applied = self.apply(task, RunAdmitted(wish.run), result_key(wish.effect))
            if isinstance(applied.result, Moved):
                admitted.append(applied.task)
        return admitted

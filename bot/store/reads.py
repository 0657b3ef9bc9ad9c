"""Looking at the store: what pages, the doctor and the flow ask."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.store import artifacts, claims, deliveries, effects, migrate, notes, pauses, queue, spending, tasks, workers
from bot.store.database import Reading
from bot.store.opening import TIME_TO_LIVE, open_to_read
from bot.store.values import Claimed, Listed, OpenEffect, StoredDelivery
from bot.task.budget import Spent, TurnKey
from bot.task.history import Recorded
from bot.task.ids import ArtifactId, DeliveryId, FactKey, IssueNumber, PullNumber, RepoRef, TaskId
from bot.task.model import Task
from bot.task.pause import Pause
from bot.task.results import Progress
from bot.task.usage import Used


class ReadStore:
    """Every read sees what was committed before it was called."""

    def __init__(self, database: Reading, clock: Callable[[], datetime]) -> None:
        self._reading = database
        self._clock = clock

    @classmethod
    async def open_read_only(cls, url: str, *, clock: Callable[[], datetime], data_dir: Path) -> "ReadStore":
        """Look at a database while another process works with it. Raises the errors of `bot.store.errors`."""
        return cls(await open_to_read(url, data_dir), clock)

    async def close(self) -> None:
        """Let go of the database. Calls that are under way end first."""
        await self._reading.close()

    async def revision(self) -> str | None:
        """Of the schema."""
        return await self._reading.read(migrate.revision)

    async def workers(self) -> int:
        """Sessions on PostgreSQL with a heartbeat in the last time to live, as it is by default."""
        return await self._reading.read(lambda conn: workers.alive(conn, TIME_TO_LIVE.total_seconds()))

    async def delivery(self, delivery: DeliveryId) -> StoredDelivery | None:
        return await self._reading.read(lambda conn: deliveries.load(conn, delivery))

    # ── tasks ──

    async def task(self, task: TaskId) -> Task | None:
        return await self._reading.read(lambda conn: tasks.load(conn, task))

    async def latest_task(self, repo_id: int, issue: IssueNumber) -> Task | None:
        """The newest task of an issue, live or not."""
        return await self._reading.read(lambda conn: tasks.latest(conn, repo_id, issue))

    async def task_of_pull(self, repo_id: int, pull: PullNumber) -> Task | None:
        """The newest task that opened this pull request."""
        return await self._reading.read(lambda conn: tasks.of_pull(conn, repo_id, pull))

    async def tasks_of_repo(self, repo_id: int) -> list[Task]:
        """The newest task of each issue, if it is live, or halted with a pull request, or newly closed."""
        return await self._reading.read(lambda conn: tasks.to_watch(conn, repo_id))

    async def repositories(self) -> list[RepoRef]:
        """Every repository that has a task, as its newest task names it."""
        return await self._reading.read(tasks.repositories)

    async def called(self, repo_id: int) -> RepoRef | None:
        """A repository as its newest task names it."""
        return await self._reading.read(lambda conn: tasks.called(conn, repo_id))

    async def tasks(self, limit: int = 100) -> list[Listed]:
        """Newest first."""
        return await self._reading.read(lambda conn: tasks.newest(conn, limit))

    async def label_consumed(self, repo_id: int, issue: IssueNumber, label_event: int) -> bool:
        """Did this very act of labelling start a task of the issue, or revive one?"""
        return await self._reading.read(lambda conn: tasks.is_consumed(conn, repo_id, issue, label_event))

    async def knows_fact(self, task: TaskId, key: FactKey) -> bool:
        """Was the fact told to this task, even if it was ignored?"""
        return await self._reading.read(lambda conn: tasks.knows(conn, task, key))

    async def fact_known(self, repo_id: int, issue: IssueNumber, key: FactKey) -> bool:
        """Was the fact told to any task of the issue, even if it was ignored?"""
        return await self._reading.read(lambda conn: tasks.known_of_issue(conn, repo_id, issue, key))

    async def history(self, task: TaskId) -> list[Recorded]:
        """Everything that was told, oldest first."""
        return await self._reading.read(lambda conn: tasks.history(conn, task))

    async def position(self, task: TaskId) -> int | None:
        """Place in the queue for a run, 1 = next; None: the task does not wait for one."""
        return await self._reading.read(lambda conn: queue.position(conn, task))

    async def progress(self, task: TaskId) -> Progress | None:
        """What the agent said last."""
        return await self._reading.read(lambda conn: notes.progress(conn, task))

    # ── effects ──

    async def owned(self, claimed: Claimed) -> bool:
        """The holder's heartbeat: does the lease still stand, and is the work still wanted?"""
        return await self._reading.read(lambda conn: claims.is_owned(conn, claimed))

    async def next_due(self, after: datetime | None = None) -> datetime | None:
        """When an effect may be claimed if nothing else happens: after a moment, or (in the past) now."""
        now = self._clock()
        return await self._reading.read(lambda conn: claims.next_due(conn, now, after))

    async def open_effects(self, task: TaskId | None = None) -> list[OpenEffect]:
        """Open effects, and dead ones for their fault, oldest first."""
        return await self._reading.read(lambda conn: effects.listed(conn, task))

    # ── artifacts and marks ──

    async def artifact(self, artifact: ArtifactId) -> bytes | None:
        return await self._reading.read(lambda conn: artifacts.load(conn, artifact))

    async def find_artifact(self, task: TaskId | None, kind: str, name: str | None = None) -> bytes | None:
        """The content kept last of this kind, and name if one is given."""
        return await self._reading.read(lambda conn: artifacts.find(conn, task, kind, name))

    async def pauses(self) -> list[Pause]:
        """Every pause, the server's first."""
        return await self._reading.read(pauses.listed)

    async def pause_of(self, repo: RepoRef) -> Pause | None:
        """The pause that holds a repository up."""
        return await self._reading.read(lambda conn: pauses.of(conn, repo.full_name))

    async def spent(self, repo_id: int, task: TaskId, month: str) -> Spent:
        """What a task has used, and its repository and everything in a month (`2026-11`)."""
        return await self._reading.read(lambda conn: spending.spent(conn, repo_id, task, month))

    async def spent_by(self, turn: TurnKey) -> tuple[float, Used]:
        """Seconds that one turn has used so far, and calls of models."""
        return await self._reading.read(lambda conn: spending.spent_by(conn, turn))

    async def marked(self, name: str) -> str | None:
        """The value that `mark` remembered."""
        return await self._reading.read(lambda conn: notes.marked(conn, name))

    async def marks(self, prefix: str) -> dict[str, str]:
        """Every value that `mark` remembered under such a name."""
        return await self._reading.read(lambda conn: notes.marks(conn, prefix))

"""The tables as this version knows them; `migrations` brings a database there.

One subject's open effects are held in order by three partial indexes:
`effects_waiting` makes a key unique while nobody holds it (the debounce), `effects_running` lets nobody hold two of
one lane, and `effects_due` is walked by the claim, oldest due first.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    true,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970 in UTC: compares alike on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Raises ValueError for a moment without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


HARD_CAP = 20
"""An effect claimed this often without being finished or buried kills whoever holds it."""

ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows by itself only in a column of exactly INTEGER."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

limits = Table("limits", metadata, Column("name", Text, primary_key=True))

tasks = Table(
    "tasks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("repo_id", BigInteger, nullable=False),
    Column("issue", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("pull", BigInteger),
    Column("phase", Text, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("repo_id", "issue", "generation", name="tasks_of_issue"),
    sqlite_autoincrement=True,
)
_LIVE = tasks.c.live.is_(true())
Index("tasks_live", tasks.c.repo_id, tasks.c.issue, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)
Index("tasks_pull", tasks.c.repo_id, tasks.c.pull)
Index("tasks_phase", tasks.c.phase)

labels = Table(
    "labels",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("issue", BigInteger, primary_key=True, autoincrement=False),
    Column("label_event", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("ignored", Text),
    Column("at", Instant, nullable=False),
    UniqueConstraint("task_id", "key", name="events_key"),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    # never used twice: the result of an effect is the fact `effect:<id>`
    Column("id", ID, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("task_id", ID, ForeignKey("tasks.id")),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("run", Integer),
    Column("home", Text),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text),
    Column("lease", Text),
    Column("revoked", Boolean, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("fault", Text, nullable=False),
    sqlite_autoincrement=True,
)


def is_open(effect: FromClause) -> ColumnElement[bool]:
    """Neither finished (then there is no row) nor given up."""
    return effect.c.dead.is_(false())


def is_running(effect: FromClause) -> ColumnElement[bool]:
    """In somebody's hands; a revoked one is, until its holder lets go."""
    return and_(effect.c.owner.is_not(None), is_open(effect))


OPEN = is_open(effects)
RUNNING = is_running(effects)
WAITING = and_(effects.c.owner.is_(None), OPEN)
ADMITTED = effects.c.kind == literal_column("'StartRun'")
"""Performed by admission alone, never claimed."""
CLAIMABLE = and_(WAITING, effects.c.kind != literal_column("'StartRun'"))
WORN_OUT = and_(WAITING, effects.c.attempts >= literal_column(str(HARD_CAP)))
Index(
    "effects_waiting",
    effects.c.subject,
    effects.c.key,
    unique=True,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)
Index(
    "effects_running",
    effects.c.subject,
    effects.c.lane,
    unique=True,
    sqlite_where=RUNNING,
    postgresql_where=RUNNING,
)
Index("effects_due", effects.c.due_at, effects.c.id, sqlite_where=CLAIMABLE, postgresql_where=CLAIMABLE)
Index("effects_queue", effects.c.due_at, effects.c.id, sqlite_where=ADMITTED, postgresql_where=ADMITTED)
Index("effects_lane", effects.c.subject, effects.c.lane, effects.c.id, sqlite_where=OPEN, postgresql_where=OPEN)
Index("effects_worn_out", effects.c.id, sqlite_where=WORN_OUT, postgresql_where=WORN_OUT)
Index("effects_task", effects.c.task_id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
)
Index("deliveries_received", deliveries.c.received_at)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("task_id", ID, ForeignKey("tasks.id")),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("kept_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
_HOMELESS = artifacts.c.task_id.is_(None)
Index("artifacts_name", artifacts.c.task_id, artifacts.c.kind, artifacts.c.name, unique=True)
Index(
    "artifacts_homeless",
    artifacts.c.kind,
    artifacts.c.name,
    unique=True,
    sqlite_where=_HOMELESS,
    postgresql_where=_HOMELESS,
)

chunks = Table(
    "chunks",
    metadata,
    Column("artifact_id", ID, ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    Column("task_id", ID, ForeignKey("tasks.id"), primary_key=True),
    Column("run", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    # new with every start of a process, and after every loss of its heartbeat
    Column("id", Text, primary_key=True),
    Column("machine", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
)

homes = Table(
    "homes",
    metadata,
    # no foreign key: its lock on the task would turn the lock order (task, then effects) round in a claim
    Column("task_id", BigInteger, primary_key=True, autoincrement=False),
    Column("machine", Text, nullable=False),
)

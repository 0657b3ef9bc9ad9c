"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
INSTANT = sa.BigInteger


def upgrade() -> None:
    """Everything, and the rows that are always there."""
    _tasks()
    _effects()
    _deliveries()
    _artifacts()
    _small()
    op.execute("INSERT INTO meta (name, value) VALUES ('min_code_version', '1'), ('epoch', '0')")
    op.execute("INSERT INTO limits (name) VALUES ('runs')")


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", ID, primary_key=True),
        sa.Column("repo_id", sa.BigInteger, nullable=False),
        sa.Column("issue", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("pull", sa.BigInteger),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.UniqueConstraint("repo_id", "issue", "generation", name="tasks_of_issue"),
        sqlite_autoincrement=True,
    )
    _index("tasks_live", "tasks", ["repo_id", "issue"], sa.column("live").is_(sa.true()), unique=True)
    _index("tasks_pull", "tasks", ["repo_id", "pull"])
    _index("tasks_phase", "tasks", ["phase"])
    op.create_table(
        "labels",
        sa.Column("repo_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("issue", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("label_event", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task_id", ID, sa.ForeignKey("tasks.id"), nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", ID, primary_key=True),
        sa.Column("task_id", ID, sa.ForeignKey("tasks.id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("ignored", sa.Text),
        sa.Column("at", INSTANT, nullable=False),
        sa.UniqueConstraint("task_id", "key", name="events_key"),
        sqlite_autoincrement=True,
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", ID, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("task_id", ID, sa.ForeignKey("tasks.id")),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("run", sa.Integer),
        sa.Column("home", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease", sa.Text),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    opened = sa.column("dead").is_(sa.false())
    waiting = sa.and_(sa.column("owner").is_(None), opened)
    running = sa.and_(sa.column("owner").is_not(None), opened)
    start_run: sa.ColumnElement[str] = sa.literal_column("'StartRun'")
    claimable = sa.and_(waiting, sa.column("kind") != start_run)
    worn_out = sa.and_(waiting, sa.column("attempts") >= sa.literal_column("20"))
    _index("effects_waiting", "effects", ["subject", "key"], waiting, unique=True)
    _index("effects_running", "effects", ["subject", "lane"], running, unique=True)
    _index("effects_due", "effects", ["due_at", "id"], claimable)
    _index("effects_queue", "effects", ["due_at", "id"], sa.column("kind") == start_run)
    _index("effects_lane", "effects", ["subject", "lane", "id"], opened)
    _index("effects_worn_out", "effects", ["id"], worn_out)
    _index("effects_task", "effects", ["task_id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
    )
    _index("deliveries_received", "deliveries", ["received_at"])


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", ID, primary_key=True),
        sa.Column("task_id", ID, sa.ForeignKey("tasks.id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sqlite_autoincrement=True,
    )
    _index("artifacts_name", "artifacts", ["task_id", "kind", "name"], unique=True)
    _index("artifacts_homeless", "artifacts", ["kind", "name"], sa.column("task_id").is_(None), unique=True)
    op.create_table(
        "chunks",
        sa.Column("artifact_id", ID, sa.ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _small() -> None:
    op.create_table(
        "progress",
        sa.Column("task_id", ID, sa.ForeignKey("tasks.id"), primary_key=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    for name in ("meta", "marks"):
        op.create_table(name, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
    op.create_table("limits", sa.Column("name", sa.Text, primary_key=True))


def _index(
    name: str, table: str, columns: list[str], where: sa.ColumnElement[bool] | None = None, unique: bool = False
) -> None:
    """A partial index is spelt by dialect."""
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)

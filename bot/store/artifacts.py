"""Artifacts: logs, certificates, agent state, saved work. Compressed chunk rows, so that any machine can show them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select, update

from bot.store.schema import artifacts, chunks
from bot.task.ids import ArtifactId, TaskId

CHUNK = 256 * 1024
"""Bytes of content in one row, before compression."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An artifact ready to be written. `name` tells apart those of one kind."""

    task: TaskId | None
    kind: str
    name: str
    size: int
    parts: Sequence[bytes]


def pack(task: TaskId | None, kind: str, name: str, data: bytes) -> Packed:
    """Chunk and compress; costs time, needs no database."""
    parts = [zlib.compress(data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]
    return Packed(task, kind, name, len(data), parts)


def keep(conn: Connection, packed: Packed, now: datetime) -> ArtifactId:
    """Write it; one of the same task, kind and name keeps its id and gets this content."""
    task = artifacts.c.task_id.is_(None) if packed.task is None else artifacts.c.task_id == packed.task
    same = and_(task, artifacts.c.kind == packed.kind, artifacts.c.name == packed.name)
    kept = conn.execute(select(artifacts.c.id).where(same).with_for_update()).scalar()
    if kept is None:
        row = {"task_id": packed.task, "kind": packed.kind, "name": packed.name, "size": packed.size, "kept_at": now}
        kept = conn.execute(artifacts.insert().values(row).returning(artifacts.c.id)).scalar_one()
    else:
        conn.execute(delete(chunks).where(chunks.c.artifact_id == kept))
        conn.execute(update(artifacts).where(artifacts.c.id == kept).values(size=packed.size, kept_at=now))
    if packed.parts:
        rows = [{"artifact_id": kept, "n": n, "data": part} for n, part in enumerate(packed.parts)]
        conn.execute(chunks.insert(), rows)
    return ArtifactId(kept)


def load(conn: Connection, artifact: ArtifactId) -> bytes | None:
    """The content; None: there is no such artifact."""
    if conn.execute(select(artifacts.c.id).where(artifacts.c.id == artifact)).one_or_none() is None:
        return None
    parts = conn.execute(select(chunks.c.data).where(chunks.c.artifact_id == artifact).order_by(chunks.c.n)).scalars()
    return b"".join(zlib.decompress(part) for part in parts)


def find(conn: Connection, task: TaskId | None, kind: str, name: str | None) -> bytes | None:
    """The content kept last of this kind, and name if one is given. Without a task: what belongs to none."""
    owner = artifacts.c.task_id.is_(None) if task is None else artifacts.c.task_id == task
    of_kind = and_(owner, artifacts.c.kind == kind)
    query = select(artifacts.c.id).where(of_kind if name is None else and_(of_kind, artifacts.c.name == name))
    found = conn.execute(query.order_by(artifacts.c.kept_at.desc(), artifacts.c.id.desc()).limit(1)).scalar()
    return None if found is None else load(conn, found)


def thin(conn: Connection, kind: str, prefix: str, newest: int) -> None:
    """Of what belongs to no task, is of this kind and begins with this name, only the newest stay."""
    of_kind = and_(artifacts.c.task_id.is_(None), artifacts.c.kind == kind)
    ids = select(artifacts.c.id).where(of_kind, artifacts.c.name.startswith(prefix, autoescape=True))
    old = conn.execute(ids.order_by(artifacts.c.kept_at.desc(), artifacts.c.id.desc()).offset(newest)).scalars().all()
    if old:
        conn.execute(delete(artifacts).where(artifacts.c.id.in_(old)))


def drop(conn: Connection, task: TaskId, kind: str) -> None:
    """Remove every artifact of a kind; its chunks go with it."""
    conn.execute(delete(artifacts).where(artifacts.c.task_id == task, artifacts.c.kind == kind))

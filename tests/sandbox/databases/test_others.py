"""SQLite files, and databases that commands of the operator make."""

import os
from pathlib import Path

import pytest

from bot.sandbox.box import Box, Limits
from bot.sandbox.databases.commands import CommandService
from bot.sandbox.databases.names import DatabaseName, Purpose, making, template_key, template_name
from bot.sandbox.databases.service import DatabaseRefused
from bot.sandbox.databases.sqlite import SqliteFiles
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from bot.task.repo_config import CommandDatabase, IsolationConfig

pytestmark = pytest.mark.anyio
MARK = "0011aabb"
NAME = DatabaseName(MARK, 12, Purpose.CHECK)


def test_names_are_read_as_they_are_written() -> None:
    assert DatabaseName.read(str(NAME), MARK) == NAME
    for foreign in (str(NAME).replace(MARK, "ffffffff"), f"x{NAME}", f"{NAME}x", "postgres", f"iw_{MARK}_1_other"):
        assert DatabaseName.read(foreign, MARK) is None
    assert template_key(template_name(MARK, "0" * 16), MARK) == template_key(making(MARK, "0" * 16), MARK) == "0" * 16


async def test_sqlite_is_a_file_of_the_tasks_own(sandbox: Sandbox, tmp_path: Path) -> None:
    isolation = Isolation(sandbox, tmp_path / "bot")
    (tmp_path / "bot").mkdir()
    count = "import os, sqlite3; c = sqlite3.connect(os.environ['DATABASE_URL'].removeprefix('sqlite:///'))\n"
    count += "c.execute('create table if not exists t (x)'); c.execute('insert into t values (1)'); c.commit()\n"
    count += "print(os.environ['DATABASE_URL'], c.execute('select count(*) from t').fetchone()[0])"

    async def said(name: DatabaseName, *, fresh: bool) -> str:
        database = await isolation.open("sqlite", name, None, fresh=fresh)
        own = Box((), "/", tenant=name.task)
        finished = await sandbox.run(isolation.furnish(database, own), ["python3", "-c", count], Limits(seconds=60))
        return finished.output.decode().strip()

    other = DatabaseName(MARK, 13, Purpose.CHECK)
    assert await said(NAME, fresh=False) == "sqlite:////run/database/app.db 1"
    assert await said(NAME, fresh=False) == "sqlite:////run/database/app.db 2"
    assert await said(other, fresh=False) == "sqlite:////run/database/app.db 1"
    assert await said(NAME, fresh=True) == "sqlite:////run/database/app.db 1"
    assert set(await isolation.leftovers("sqlite", MARK)) == {NAME, other}
    assert await isolation.leftovers("sqlite", "ffffffff") == []
    for name in (NAME, other, other):
        await isolation.drop("sqlite", name)
    assert os.listdir(tmp_path / "bot" / "databases") == []


async def test_a_task_cannot_lead_its_removal_elsewhere(sandbox: Sandbox, tmp_path: Path) -> None:
    files = SqliteFiles(sandbox, tmp_path / "files")
    (tmp_path / "precious").write_text("x")
    database = await files.open(NAME, None, fresh=False)
    own = database.furnish(sandbox, Box((), "/", tenant=NAME.task))
    script = f"ln -s {tmp_path} /run/database/link; cd /run/database; mkdir d; touch d/x; chmod 0 d"
    await sandbox.run(own, ["sh", "-c", script], Limits(seconds=60))
    await files.drop(NAME)
    assert (tmp_path / "precious").read_text() == "x"
    assert os.listdir(tmp_path / "files") == []


def script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_commands_make_and_drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET", "s3cret")
    create = script(
        tmp_path, "create", f'echo "$1 $2" >> {tmp_path}/log; env >> {tmp_path}/env; echo noise\necho mysql://u:pw@h/$2'
    )
    drop = script(tmp_path, "drop", f'echo "drop $1" >> {tmp_path}/log')
    service = CommandService("databases.branch", (create, "create"), (drop,), {"TOKEN": "t0ken"})
    database = await service.open(NAME, None, fresh=True)
    assert (database.url, database.secrets[1]) == (f"mysql://u:pw@h/{NAME}", "pw")
    await service.drop(NAME)
    assert (tmp_path / "log").read_text().splitlines() == [f"drop {NAME}", f"create {NAME}", f"drop {NAME}"]
    seen = (tmp_path / "env").read_text()
    assert "TOKEN=t0ken" in seen
    assert "s3cret" not in seen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo a password that nobody may see; exit 3", "`databases.x.create` ended with exit code 3."),
        ("echo nothing", "`databases.x.create` did not print a URL on its last line."),
        ("sleep 60", "`databases.x.create` did not end within 0.5 s."),
    ],
)
async def test_commands_that_fail_say_which(tmp_path: Path, text: str, why: str) -> None:
    service = CommandService("databases.x", (script(tmp_path, "create", text),), ("/bin/true",), seconds=0.5)
    with pytest.raises(DatabaseRefused) as refused:
        await service.open(NAME, None, fresh=False)
    assert str(refused.value) == why


def test_what_is_not_offered_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    isolation = Isolation(sandbox, tmp_path, {"neon": CommandService("databases.neon", ("/x",), ("/x",))})
    assert isolation.refuses(IsolationConfig(database="sqlite")) == ""
    assert isolation.refuses(IsolationConfig(database=CommandDatabase(command="neon"))) == ""
    assert isolation.refuses(IsolationConfig(database="postgresql")) == (
        "`isolation.database` in `.github/issuewright.yml` asks for postgresql, which this server does not offer; "
        "it has: neon, sqlite."
    )

"""What comes out of `$REPORTS`: regular files, bounded, and nothing of anything they point to."""

import os
from pathlib import Path

import pytest

from bot.sandbox.box import Bind, Box
from bot.sandbox.process import Sandbox
from bot.verify.reports import FILES, take, unpacked
from tests.sandbox.real import real_capability

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(real_capability())


async def test_only_regular_files_come_out_and_the_folder_is_empty_afterwards(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = sandbox.make_folder(tmp_path / "reports")
    (tmp_path / "secret.xml").write_text("secret")
    (folder / "sub").mkdir()
    (folder / "sub" / "a b.xml").write_text("<a/>")
    (folder / "locked.xml").write_text("<b/>")
    (folder / "passwd.xml").symlink_to("/etc/passwd")
    (folder / "out.xml").symlink_to(tmp_path / "secret.xml")
    (folder / "large.xml").touch()
    os.truncate(folder / "large.xml", 1 << 40)
    os.mkfifo(folder / "pipe.xml")
    uid = folder.stat().st_uid
    for path in folder.rglob("*"):
        os.chown(path, uid, uid, follow_symlinks=False)
    (folder / "locked.xml").chmod(0)
    box = Box((Bind(folder, "/reports", writable=True),), "/", {"REPORTS": "/reports"})
    assert await take(sandbox, box) == {"locked.xml": b"<b/>", "sub/a b.xml": b"<a/>"}
    assert list(folder.iterdir()) == []
    assert (tmp_path / "secret.xml").read_text() == "secret"
    assert await take(sandbox, box) == {}


async def test_their_number_is_bounded(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = sandbox.make_folder(tmp_path / "reports")
    for number in range(FILES + 20):
        (folder / f"{number}.xml").write_text("x")
        os.chown(folder / f"{number}.xml", folder.stat().st_uid, -1)
    box = Box((Bind(folder, "/reports", writable=True),), "/", {"REPORTS": "/reports"})
    assert len(await take(sandbox, box) or {}) == FILES


def test_what_is_no_archive_is_none() -> None:
    assert unpacked(b"") == {}
    assert unpacked(b"x" * 2000) is None

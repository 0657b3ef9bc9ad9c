"""Packs that are larger than they look: shown to unfold in git, refused before git sees them."""

import hashlib
import io
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.workspace.git import Bounds, attempt
from bot.workspace.packs import complaint
from bot.workspace.policy import Caps
from bot.workspace.quarantine import Quarantine
from tests.workspace.conftest import Desk
from tests.workspace.origin import git

BLOB, DELTA = 3, 6


def size_of(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    out.append(first)
    return bytes(out)


def number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def distance(value: int) -> bytes:
    out = bytearray([value & 0x7F])
    while value := value >> 7:
        value -= 1
        out.insert(0, 0x80 | (value & 0x7F))
    return bytes(out)


def packed(*objects: bytes) -> bytes:
    body = b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big") + b"".join(objects)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def blob(content: bytes) -> bytes:
    return size_of(BLOB, len(content)) + zlib.compress(content, 9)


def delta(back: int, source: int, result: int, code: bytes) -> bytes:
    content = number(source) + number(result) + code
    return size_of(DELTA, len(content)) + distance(back) + zlib.compress(content)


def copies(length: int) -> bytes:
    """Copy the base's first 65,536 bytes, again and again."""
    return b"\x80" * (length >> 16)


def chain(depth: int) -> bytes:
    """Each object is the one before with one more byte."""
    objects = [blob(b"x" * 100)]
    for at in range(depth):
        code = bytes([0x90, 100 + at, 0x01]) + b"y"
        objects.append(delta(len(objects[-1]), 100 + at, 101 + at, code))
    return packed(*objects)


def bomb() -> bytes:
    """64 KiB that become 200 MB by copying."""
    first = blob(b"\0" * 65_536)
    return packed(first, delta(len(first), 65_536, 3000 << 16, copies(3000 << 16)))


def told(pack: bytes, caps: Caps | None = None) -> str:
    return complaint(io.BytesIO(pack), caps or Caps())


@pytest.mark.parametrize(
    ("pack", "sentence"),
    [
        (chain(60), "its deltas are more than 50 deep"),
        (packed(blob(b"\0" * (101 << 20))), "it unpacks to more than 100 MiB"),
        (bomb(), "it unpacks to more than 100 MiB"),
    ],
    ids=["deep", "compressed", "copied"],
)
def test_a_bomb(tmp_path: Path, pack: bytes, sentence: str) -> None:
    """Naive: git takes each of them, however small it is on the wire."""
    assert len(pack) < 250_000
    git(tmp_path, "init", "-q", "--bare", "naive.git")
    done = subprocess.run(["git", "index-pack", "--stdin"], cwd=tmp_path / "naive.git", input=pack, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert told(pack, Caps(unpacked_bytes=100 << 20)) == sentence


def test_what_git_packs_is_taken(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "work")
    work = tmp_path / "work"
    for number_of in range(70):
        (work / "file").write_text("".join(f"{line}\n" for line in range(number_of, number_of + 400)))
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", str(number_of))
    listing = subprocess.run(["git", "rev-list", "--objects", "--all"], cwd=work, capture_output=True).stdout
    for flag in ("--delta-base-offset", "--no-reuse-delta"):
        argv = ["git", "pack-objects", "--stdout", "-q", flag]
        assert told(subprocess.run(argv, cwd=work, input=listing, capture_output=True).stdout) == ""


@pytest.mark.parametrize(
    ("pack", "word"),
    [
        (b"", "ends too early"),
        (b"GIF8" + bytes(40), "does not begin like one"),
        (packed(blob(b"x" * 500))[:40], "ends too early"),
        (packed(size_of(BLOB, 5) + zlib.compress(b"six by")), "larger than it says"),
        (packed(size_of(BLOB, 7) + zlib.compress(b"six by")), "smaller than it says"),
        (packed(size_of(5, 1) + zlib.compress(b"x")), "unknown kind"),
        (packed(delta(5, 1, 1, b"")), "without its base"),
    ],
)
def test_a_broken_pack(pack: bytes, word: str) -> None:
    assert word in told(pack)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_nothing_else_comes_out(noise: bytes) -> None:
    assert isinstance(told(b"PACK\0\0\0\2\0\0\0\3" + noise), str)


@pytest.mark.anyio
async def test_it_is_refused_before_git_sees_it(desk: Desk) -> None:
    quarantine = Quarantine(desk.root / "tasks/7/quarantine.git")
    assert await quarantine.admit(io.BytesIO(chain(60)), Caps()) == "its deltas are more than 50 deep"
    assert not list((quarantine.path / "objects" / "pack").glob("*.pack"))


@pytest.mark.anyio
async def test_git_itself_is_bounded(desk: Desk) -> None:
    """A size that git believes costs it that much memory; the bound holds whatever the pack says."""
    quarantine = desk.root / "tasks/7/quarantine.git"
    words = ("hash-object", "--stdin")
    assert (await attempt(quarantine, *words, stdin=b"x" * (15 << 20))).code == 0
    small = Bounds(memory=20 << 20, seconds=60)
    assert (await attempt(quarantine, *words, stdin=b"x" * (15 << 20), bounds=small)).code != 0

"""`issuewright serve` without an App, in a process of its own, beside a forge that knows nobody but people."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.forge import Forge, build_forge
from tests.real.served import Served, run, words

LONGEST_WAIT = 90.0
"""Seconds; for what takes one or two on an idle machine."""
_ADDRESS = re.compile(r"(http://[^\s/]+)(/setup\?token=\S+)")


@dataclass
class Newcomer:
    """Somebody with a forge account and a fresh server."""

    folder: Path
    forge: Forge
    env: dict[str, str]
    served: Served
    path: str = ""
    """`/setup?token=…`"""
    starts: list[Served] = field(default_factory=list)

    @property
    def log(self) -> str:
        return words(self.served.log)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def credentials(self) -> Path:
        return self.data / "github-app.json"

    async def restart(self) -> None:
        """Start the server again after its end; a new token is told, if it still needs one."""
        self.served, self.path = await _start(self.env, self.served.log)
        self.starts.append(self.served)


def a_forge(folder: Path) -> Forge:
    """A person, an organization, and a repository of each."""
    forge = build_forge(folder / "forge")
    world = forge.world
    world.create_user("octocat")
    world.create_user("octo-org", kind="Organization")
    world.create_repository("octocat", "hello", {"README.md": "# hello\n"})
    world.create_repository("octo-org", "widgets", {"README.md": "# widgets\n"})
    return forge


@asynccontextmanager
async def newcomer(folder: Path, **settings: str) -> AsyncIterator[Newcomer]:
    """Both run while the block does. Settings by their names without prefix, in lower case."""
    forge = a_forge(folder)
    async with forge.serve():
        told = {"DATA_DIR": str(folder / "data"), "PORT": "0", "SWEEP_SECONDS": "3600", **settings}
        env = {"PATH": os.environ["PATH"], **{f"ISSUEWRIGHT_{name.upper()}": value for name, value in told.items()}}
        served, path = await _start(env, folder / "serve.log")
        here = Newcomer(folder, forge, env, served, path, [served])
        try:
            yield here
        finally:
            for one in here.starts:
                if one.process.returncode is None:
                    await one.terminate()


async def _start(env: dict[str, str], log: Path) -> tuple[Served, str]:
    said = len(words(log))
    process = await run(env, log, "serve")
    began = time.monotonic()
    while True:
        new = words(log)[said:]
        if (told := _ADDRESS.search(new)) is not None:
            return Served(process, told[1], log), told[2]
        if (up := re.search(r"serving on (http://\S+?),", new)) is not None:
            return Served(process, up[1], log), ""
        assert process.returncode is None, f"serve ended: {words(log)}"
        assert time.monotonic() - began < LONGEST_WAIT, f"serve does not start: {words(log)}"
        await asyncio.sleep(0.02)

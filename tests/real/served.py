"""`issuewright serve` as a process of its own, that a test can kill."""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings import PREFIX, Settings

START_SECONDS = 30.0
"""Longest time from the start of the process to its first readiness; a busy machine needs some."""

_SERVING = re.compile(r"serving on (http://\S+?),")


def environment(settings: Settings) -> dict[str, str]:
    """What makes a process have these settings, and nothing else of ours."""
    told = {
        "GITHUB_APP_ID": settings.github_app_id,
        "GITHUB_PRIVATE_KEY": settings.github_private_key.get_secret_value(),
        "GITHUB_WEBHOOK_SECRET": settings.github_webhook_secret.get_secret_value(),
        "GITHUB_API_URL": settings.github_api_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "AGENT_SCRIPT": str(settings.agent_script),
        "MAX_PARALLEL": str(settings.max_parallel),
        "SWEEP_SECONDS": str(settings.sweep_seconds),
        "FEEDBACK_QUIET_SECONDS": str(settings.feedback_quiet_seconds),
    }
    return {"PATH": os.environ["PATH"], **{f"{PREFIX}{name}": value for name, value in told.items()}}


@dataclass(frozen=True)
class Served:
    """A process that serves at `url`; everything it says is in `log`."""

    process: Process
    url: str
    log: Path

    async def kill(self) -> None:
        """`kill -9`: this one process, without a word."""
        self.process.send_signal(signal.SIGKILL)
        assert await self.process.wait() == -signal.SIGKILL, words(self.log)

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM; exit code, and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait(), time.monotonic() - began


async def run(env: Mapping[str, str], log: Path, *words: str) -> Process:
    """Start the command `issuewright` in a session of its own; stdout and stderr go to `log`."""
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", *words,
            env=dict(env), cwd=Path(__file__).parents[2],
            stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


async def serve(settings: Settings, log: Path) -> Served:
    """Start `issuewright serve` and wait until it says where it serves."""
    said = len(words(log))
    process = await run(environment(settings), log, "serve")
    began = time.monotonic()
    while True:
        told = _SERVING.search(words(log)[said:])
        if told is not None:
            return Served(process, told[1], log)
        assert process.returncode is None, f"serve ended: {words(log)}"
        assert time.monotonic() - began < START_SECONDS, f"serve does not start: {words(log)}"
        await asyncio.sleep(0.02)


def words(log: Path) -> str:
    """What a process has said so far."""
    return log.read_text() if log.exists() else ""

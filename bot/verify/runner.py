"""Run a repository's commands, each in a sandbox of its own, and keep the end of what they say."""

from collections.abc import AsyncIterator, Sequence

from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import SandboxRefused
from bot.sandbox.process import Sandbox
from bot.sandbox.running import Ending, Finished
from bot.task.certificate import Tool
from bot.verify.command import Command, Ran, RunLimit
from bot.verify.plain import one_line
from bot.verify.reports import take
from bot.verify.words import first_word

_SHELL = 'if command -v bash >/dev/null; then exec bash -c "$0"; fi; exec sh -c "$0"'
"""People write their commands for bash, as GitHub's workflows do; where it is missing, sh must do."""


_KNOWN = frozenset(
    {"git", "python3", "pytest", "node", "npm", "npx", "pnpm", "yarn", "make", "go", "cargo", "mvn", "gradle", "java"}
    | {"ruby", "bundle", "php", "uv", "tox", "nox", "ruff", "mypy"}
)
"""Programs that say their version and do nothing else when asked for it."""
_VERSIONS = """for name; do
  if command -v "$name" >/dev/null; then
    case $name in go) said=$(go version 2>&1);; *) said=$("$name" --version </dev/null 2>&1);; esac
    printf '%s=%s\\n' "$name" "$(printf '%s' "$said" | head -n 1)"
  fi
done
"""

_LIMITS: dict[Ending, RunLimit] = {
    Ending.TIMED_OUT: "check_minutes",
    Ending.MEMORY_LIMIT: "memory_gb",
    Ending.DISK_LIMIT: "disk_gb",
}
"""What bounds it, for the endings whose bound somebody can set."""


class SandboxChecks:
    """Implements `bot.flow.doors.Checks`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        """Each command in order, one after the other, whatever the ones before it said."""
        for command in commands:
            yield await self._one(box, command, limits)

    async def reports(self, box: Box) -> dict[str, bytes] | None:
        """What the last command left in `$REPORTS`, which is empty afterwards; None: more than is read."""
        return await take(self._sandbox, box)

    async def tools(self, commands: Sequence[Command]) -> tuple[Tool, ...]:
        """The programs that these commands start, as far as they are known, with their versions."""
        words = {first_word(command.command) for command in commands}
        names = sorted({"git", "python3", *(word for word in words if word)} & _KNOWN)
        finished = await self._sandbox.run(
            Box((), "/"), ["/bin/sh", "-c", _VERSIONS, "versions", *names], Limits(seconds=60), trusted=True
        )
        lines = (line.partition("=") for line in finished.output.decode(errors="replace").splitlines())
        return tuple(Tool(name, one_line(said)) for name, equals, said in lines if equals and name in names)

    async def _one(self, box: Box, command: Command, limits: Limits) -> Ran:
        try:
            finished = await self._sandbox.run(box, ["/bin/sh", "-c", _SHELL, command.command], limits)
        except SandboxRefused as refused:
            return Ran(command, None, 0.0, f"not run: {refused}", b"")
        note = _note(finished, limits)
        return Ran(command, finished.exit_code, finished.seconds, note, finished.output, _LIMITS.get(finished.ending))


def _note(finished: Finished, limits: Limits) -> str:
    """Why there is no exit code; empty when there is one."""
    match finished.ending:
        case Ending.EXITED:
            return ""
        case Ending.TIMED_OUT:
            return f"timed out after {limits.seconds:.0f} s"
        case Ending.OUTPUT_LIMIT:
            return f"stopped: more than {limits.output_bytes >> 20} MiB of output"
        case Ending.MEMORY_LIMIT | Ending.DISK_LIMIT:
            return f"stopped: {finished.detail}"
        case Ending.KILLED:
            return "killed from outside"

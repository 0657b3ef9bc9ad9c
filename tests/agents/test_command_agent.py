"""A plain command as an agent: its files, its prompt, its words."""

import asyncio
from pathlib import Path

import pytest

from bot.agents.command_agent import last_message
from bot.agents.profiles import BadCommand, command
from bot.agents.registry import SandboxedAgents
from bot.sandbox.box import Limits
from bot.sandbox.capability import Capability
from bot.sandbox.process import Sandbox
from bot.task.results import FaultKind, SandboxLevel, TurnAsked, TurnEnded, TurnFailed
from tests.agents.world import World

pytestmark = pytest.mark.anyio


def script(folder: Path, text: str, name: str = "fix.sh") -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}")
    file.chmod(0o755)
    return file


@pytest.fixture
def insisted(world: World) -> World:
    """On a machine without a sandbox, whose operator accepts that."""
    nothing = Capability(SandboxLevel.NONE, "Nothing contains a process here.", insisted=True)
    return World(world.root, Sandbox(nothing), world.adapter, world.token)


SAME_PROMPT = 'cat > got; cmp got "$ISSUEWRIGHT_PROMPT_FILE" || exit 1\n'


async def test_a_program_of_the_host_gets_its_prompt_on_stdin_and_in_a_file(world: World) -> None:
    fix = script(world.root, SAME_PROMPT + 'echo x >> "$ISSUEWRIGHT_PROMPT_FILE" || echo Done.\n')
    turn = await world.command(str(fix), "Mend “it”.\n")
    assert turn.outcome == TurnEnded("Done.")
    assert (world.task / "got").read_text() == "Mend “it”.\n"


async def test_the_prompt_file_is_there_without_a_sandbox_too(insisted: World) -> None:
    script(insisted.root, SAME_PROMPT + "echo Done.\n")
    assert (await insisted.command("./fix.sh", "Mend it.")).outcome == TurnEnded("Done.")
    assert (insisted.task / "got").read_text() == "Mend it."


async def test_only_what_the_command_line_names_is_shown(world: World) -> None:
    script(world.root, "exit 1\n", "hidden.sh")
    named = script(world.root, "", "named.txt")
    fix = script(world.root, f'test -r "$1" && test "$2" = ./hidden.sh && ! ls {world.root} && ! echo x > "$0"\n')
    turn = await world.command(f"{fix} {named} ./hidden.sh")
    assert isinstance(turn.outcome, TurnEnded)
    assert fix.read_text().startswith("#!")


async def test_no_shell_reads_the_line(world: World) -> None:
    assert (await world.command("echo '$HOME' ; touch x > y")).outcome == TurnEnded("$HOME ; touch x > y")
    assert list(world.task.iterdir()) == []


async def test_a_program_that_is_not_inside_is_a_failure_with_its_name(world: World) -> None:
    outcome = (await world.command("no-such-agent --go")).outcome
    assert isinstance(outcome, TurnFailed)
    assert outcome.detail.startswith("exit code 127: ")
    assert "no-such-agent" in outcome.detail


async def test_a_failure_tells_its_exit_code_and_last_line(world: World) -> None:
    script(world.root, "echo on stdout; echo first >&2; printf '\\033[31mno quota\\033[0m\\n\\n' >&2; exit 3\n")
    assert (await world.command("./fix.sh")).outcome == TurnFailed(FaultKind.CRASHED, "exit code 3: no quota")
    script(world.root, "echo on stdout; exit 4\n")
    assert (await world.command("./fix.sh")).outcome == TurnFailed(FaultKind.CRASHED, "exit code 4: on stdout")


async def test_the_message_is_on_stdout_and_else_on_stderr(world: World) -> None:
    script(world.root, "echo QUESTION: is noise >&2; printf 'Looking.\\n\\n\\033[1mDone\\033[0m\\nat last.\\n'\n")
    assert (await world.command("./fix.sh")).outcome == TurnEnded("Done\nat last.")
    script(world.root, "echo QUESTION: Which? >&2\n")
    assert (await world.command("./fix.sh")).outcome == TurnAsked("Which?")


async def test_a_long_prompt_need_not_be_read(world: World) -> None:
    assert (await world.command("true", "x" * (4 << 20))).outcome == TurnEnded("")


async def test_stderr_is_progress_and_a_flood_of_it_ends_the_turn(world: World) -> None:
    script(world.root, "printf 'one\\rtwo' >&2; sleep 1; exec cat /dev/zero >&2\n")
    turn = await world.command("./fix.sh", limits=Limits(seconds=20, output_bytes=1 << 20))
    assert turn.outcome == TurnFailed(
        FaultKind.OUTPUT_LIMIT, "The agent wrote more than 1048576 bytes in one turn and was ended."
    )
    assert "two" in [progress.doing for progress in world.heard]


FORKED = "import os, time; x = bytearray(50_000_000); os.fork(); x[::4096] = bytes(x[::4096]); time.sleep(60)"


@pytest.mark.parametrize(
    ("filler", "kind", "said"),
    [
        (f"python3 -c '{FORKED}'", "memory", "of memory"),
        ("head -c 200000000 /dev/zero > big", "disk", "of disk space"),
    ],
)
async def test_memory_and_disk_space_are_limited(world: World, filler: str, kind: str, said: str) -> None:
    script(world.root, f"{filler}; sleep 60\n")
    turn = await world.command("./fix.sh", limits=Limits(seconds=60, memory_bytes=80 * 10**6, disk_bytes=100 * 10**6))
    assert isinstance(turn.outcome, TurnFailed)
    assert turn.outcome.kind == f"{kind} limit"
    assert turn.outcome.detail.startswith("The agent was ended with all that it started: it ")
    assert f"{said}; at most" in turn.outcome.detail


async def test_it_may_not_run_without_a_sandbox(bare_world: World) -> None:
    outcome = (await bare_world.command("true")).outcome
    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FaultKind.REFUSED


async def test_a_command_that_is_cancelled_at_once_leaves_nothing(world: World) -> None:
    profile = command("sleep 300", world.root)
    turn = asyncio.create_task(world.ask(SandboxedAgents(world.sandbox, [profile]), "command", "go"))
    await asyncio.sleep(0.05)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert world.alive() == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "The command line is empty."),
        ("fix 'it", 'The command line "fix \'it" cannot be read: No closing quotation.'),
        ("./missing", "missing is not there, or is no file."),
        ("./folder/", "folder is not there, or is no file."),
        ("./text", "text is not executable."),
    ],
)
def test_a_command_line_that_cannot_be_an_agent(tmp_path: Path, line: str, complaint: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("")
    with pytest.raises(BadCommand) as told:
        command(line, tmp_path)
    assert str(told.value).endswith(complaint)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", ""),
        ("\n\nDone.\n\n", "Done."),
        ("Looking.\n\nDone,\nall of it.\n", "Done,\nall of it."),
        ("Looking.\n\nQUESTION: two things\n\n1. a\n\n2. b\n", "QUESTION: two things\n\n1. a\n\n2. b"),
        ("ANSWER: of a file that was read\nmore\n\nQUESTION: Which?\n", "QUESTION: Which?"),
        ("in a log\nQUESTION: not at the start of a paragraph\n\nDone.", "Done."),
        ("```\n\nQUESTION: code\n\n```\n\nDone.", "Done."),
    ],
)
def test_the_last_message(output: str, message: str) -> None:
    assert last_message(output) == message


async def test_its_last_words_are_told_last_whatever_was_logged_after_them(world: World) -> None:
    script(world.root, "echo Done.; sleep 0.8; echo noise >&2; sleep 0.8\n")
    assert (await world.command("./fix.sh")).outcome == TurnEnded("Done.")
    assert world.heard[-1].doing == "Done."

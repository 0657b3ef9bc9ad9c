"""What contains agents and checks here, and whether the agent is found in there."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.agents.profiles import Profile
from bot.doctor.agents import installations
from bot.doctor.finding import Finding, bad, ok, warn
from bot.operator.decided import Decided, decide
from bot.operator.read import find, read
from bot.sandbox.box import Box, Limits
from bot.sandbox.capability import Capability, limits_told
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.words.plain import amount, count

_FIND = 'command -v -- "$1" || { echo "$PATH"; exit 1; }'
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_LIMITS = Limits(seconds=20)


def level(capability: Capability) -> Finding:
    """How well a process is contained."""
    told = f"Sandbox {capability.level}: {capability.reason} {limits_told(capability)}"
    if capability.contains:
        return ok(told)
    if capability.insisted:
        return warn(
            told,
            "Nothing that an agent or a check may not see or change should be within reach of this process;"
            " ISSUEWRIGHT_SANDBOX=auto asks for bubblewrap.",
        )
    return bad(f"{told} Agents and checks of repositories are not run here.", capability.mend)


async def agent(settings: Settings, capability: Capability) -> list[Finding]:
    """Is the agent's program there, and git beside it, as seen from inside?"""
    try:
        decided = decide(settings)
    except SettingsError as error:
        return [bad(str(error))]
    found = list(_file(settings, decided))
    found += installations(read(settings))
    found += played(settings.agent_script) if settings.agent_script and not settings.agent_command else []
    sandbox = furnished(capability, decided)
    for name, profile in decided.profiles.items():
        if profile.trusted or capability.admits_strangers:
            found.append(await _program(sandbox, profile))
        else:
            found.append(bad(f"The agent {name} may not run here.", "It needs a sandbox, see above."))
        found += _secrets(profile)
    found += await _git(sandbox)
    return found


def furnished(capability: Capability, decided: Decided) -> Sandbox:
    """As `serve` has it."""
    return Sandbox(capability, toolchains=decided.toolchains.folders, path=decided.toolchains.path)


def _file(settings: Settings, decided: Decided) -> Iterable[Finding]:
    path = find(settings)
    yield ok(f"The operator's file is {path}." if path.exists() else f"There is no {path}: the defaults hold.")
    yield from room(decided, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    if decided.toolchains.folders:
        yield ok(f"The sandbox shows {', '.join(map(str, decided.toolchains.folders))}.")
    yield ok(f"New tasks get the agent {decided.agent}.")


def room(decided: Decided, machine: int) -> Iterable[Finding]:
    """May all runs together use more memory than this machine has? Bytes."""
    most = max(rules.limits.memory_gb.value for rules in (decided.rulebook.others, *decided.rulebook.own.values()))
    together = int(most * decided.max_parallel * 10**9)
    if together > machine:
        yield warn(
            f"{count(decided.max_parallel, 'run')} at once may use {amount(together)} of memory; this machine has"
            f" {amount(machine)}.",
            "Lower `limits.memory_gb` or `limits.max_parallel` in issuewright.toml.",
        )


def _secrets(profile: Profile) -> Iterable[Finding]:
    for name in profile.env:
        if _SECRET.search(name):
            yield warn(
                f"The agent {profile.name} gets the variable {name}, which everything that it runs can read.",
                f"Take it out of `agents.{profile.name}.env` if it is a secret.",
            )


async def _program(sandbox: Sandbox, profile: Profile) -> Finding:
    word = profile.argv[0]
    box = profile.furnish(Box((), "/"))
    there, told = await which(sandbox, box, sandbox.path(box, word))
    if there:
        return ok(f"Agent {profile.name}: {told}")
    return bad(
        f"The agent {profile.name} starts `{word}`, which is not found inside the sandbox (PATH {told}).",
        "Install it below /usr, which the sandbox shows read-only, or name its folder in `toolchains` of"
        " issuewright.toml; a plain command (ISSUEWRIGHT_AGENT_PROTOCOL=command) may also be a single file elsewhere.",
    )


async def _git(sandbox: Sandbox) -> list[Finding]:
    there, told = await which(sandbox, Box((), "/"), "git")
    if there:
        return []
    return [bad(f"git is not found inside the sandbox (PATH {told}).", "Install git below /usr.")]


async def which(sandbox: Sandbox, box: Box, word: str) -> tuple[bool, str]:
    """Is the word a program inside? Then where, else the PATH that was searched."""
    finished = await sandbox.run(box, ["/bin/sh", "-c", _FIND, "doctor", word], _LIMITS, trusted=True)
    return finished.exit_code == 0, finished.output.decode(errors="replace").strip()


def played(path: Path) -> Iterable[Finding]:
    """The script of the demo agent: JSON, with turns that have steps."""
    mend = f"The format stands at the top of bot/agents/scripted/agent.py; ISSUEWRIGHT_AGENT_SCRIPT is {path}."
    try:
        script: Any = json.loads(path.read_text())
        turns = script["turns"]
        steps = [len(turn["steps"]) for turn in turns]
    except OSError as error:
        return [bad(f"The agent's script cannot be read: {error.strerror}.", mend)]
    except ValueError as error:
        return [bad(f"The agent's script is not JSON: {error}.", mend)]
    except (KeyError, TypeError):
        return [bad("The agent's script is not `{turns: [{steps: […]}, …]}`.", mend)]
    if not steps:
        return [bad("The agent's script has no turns.", mend)]
    return [warn("The scripted demo agent replays prepared steps, without a language model.", _REAL)]


_REAL = "For real work set ISSUEWRIGHT_AGENT_COMMAND to the command line of an agent."

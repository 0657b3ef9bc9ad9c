"""How a coding agent is started: one frozen profile per agent."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.sandbox.box import Bind, Box

Resume = Literal["load", "none"]
"""`load`: a later turn loads the session by its id in a new process. `none`: every turn is a new session."""
Api = Literal["anthropic", "openai-chat", "openai-responses", "gemini"]
"""What a model's service speaks."""
Counted = Literal["prompt", "last_step", "session", "call", "none"]
"""What the token counts mean that an agent tells at the end of a prompt: of the whole prompt, of its last model call
only, of the session so far. `call`: it tells each model call in its updates. `none`: it tells nothing to count."""

START_SECONDS = 60.0
"""How long an agent has until its session is there."""
STALL_SECONDS = 20 * 60.0
"""An agent that says nothing and asks no model for so long is ended."""

PROMPT_FILE = "ISSUEWRIGHT_PROMPT_FILE"
"""Variable that names the file with the prompt, for a command."""

_SCRIPTED = Path(__file__).parent / "scripted" / "agent.py"
_INSIDE = "/opt/scripted"
_PROGRAMS = "/opt/agent"
"""Where files of the host that a command line names are shown."""
PROMPT = "/opt/prompt/prompt.md"
"""Where a command finds its prompt."""


_WRITE = """while [ "$1" != -- ]; do
  rm -f "$HOME/$1"; mkdir -p "$HOME/$(dirname "$1")" && printf %s "$2" > "$HOME/$1" || exit 126
  shift 2
done
shift; exec "$@"
"""


@dataclass(frozen=True, slots=True)
class _Program:
    """What all agents have."""

    name: str
    argv: tuple[str, ...]
    """The command as it is found inside the box; no shell reads it."""
    about: str = "A command: it reads its prompt and changes files."
    """One line for people."""
    binds: tuple[Bind, ...] = ()
    """What the box shows in addition (an installation), read-only."""
    env: Mapping[str, str] = field(default_factory=dict)
    trusted: bool = False
    """We wrote this program: it may run where there is no sandbox."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Written below HOME before each turn, inside: configuration."""
    caches: tuple[str, ...] = ()
    """Paths below HOME that are not kept."""
    api: Api | None = None
    """What its model's service must speak; None: we give it no model."""
    version: str = ""
    """Of the installation; an agent that tells its own is believed."""
    stall_seconds: float = STALL_SECONDS
    error_texts: tuple[str, ...] = ()
    """A last message that begins so is an error of the model's service, told as if the turn had ended well."""

    def furnish(self, box: Box) -> Box:
        """The box with what this agent needs in it."""
        return box.with_binds(*self.binds).with_env(**self.env)


@dataclass(frozen=True, slots=True)
class CommandProfile(_Program):
    """An agent that is a plain command: prompt on stdin and in a file, done well when it exits with 0."""


@dataclass(frozen=True, slots=True)
class AcpProfile(_Program):
    """An agent that speaks the Agent Client Protocol on its standard input and output."""

    about: str = "An agent that speaks the Agent Client Protocol."
    resume: Resume = "load"
    start_seconds: float = START_SECONDS
    ends_at_eof: bool = True
    """It ends by itself when its input is closed."""
    goes_on: bool = False
    """After a cancel, the same process takes another prompt: it can be asked to wrap up."""
    counted: Counted = "prompt"


def prompted(box: Box, prompt: Path) -> Box:
    """The box with the prompt in it, from this file of the host, read-only."""
    return box.with_binds(Bind(prompt, PROMPT)).with_env(**{PROMPT_FILE: PROMPT})


Profile = AcpProfile | CommandProfile


def configured(profile: Profile, argv: Sequence[str]) -> list[str]:
    """The argv that writes the profile's files, then becomes `argv`.

    They are written inside: HOME holds what an agent left there, links that lead out, say.
    """
    if not profile.files:
        return list(argv)
    words = [word for name, text in profile.files.items() for word in (name, text)]
    return ["/bin/sh", "-c", _WRITE, "configure", *words, "--", *argv]


class BadCommand(ValueError):
    """A command line that cannot be an agent; the text is one sentence."""


def command(line: str, folder: Path, name: str = "command") -> CommandProfile:
    """The agent of this command line. Raises BadCommand.

    A first word with a slash is a program of the host, relative to `folder`; it, and every absolute path of a file
    among the other words, is shown inside read-only, alone. What lies below /usr is inside anyway, and a word without a
    slash is looked up on the PATH inside. Other relative words mean files of the worktree.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadCommand(f"The command line {line!r} cannot be read: {error}.") from error
    if not words:
        raise BadCommand("The command line is empty.")
    first, *rest = words
    shown: list[Bind] = []
    argv = [_show(_program(folder / first), shown) if "/" in first else first]
    argv += [_show(Path(word), shown) if word.startswith("/") and Path(word).is_file() else word for word in rest]
    return CommandProfile(name, tuple(argv), binds=tuple(shown))


def _program(path: Path) -> Path:
    if not path.is_file():
        raise BadCommand(f"{path} is not there, or is no file.")
    if not os.access(path, os.X_OK):
        raise BadCommand(f"{path} is not executable.")
    return path


def _show(path: Path, shown: list[Bind]) -> str:
    """Where this file of the host is found inside; it joins `shown` unless it is there by itself."""
    real = path.resolve()
    if real.is_relative_to("/usr") or real.is_relative_to(sys.base_prefix):
        return str(real)
    inside = f"{_PROGRAMS}/{len(shown)}/{path.name}"
    shown.append(Bind(real, inside))
    return inside


def scripted(script: Path, name: str = "scripted") -> AcpProfile:
    """The demo agent, replaying the JSON script at this path of the host (format: `bot/agents/scripted/agent.py`).

    It needs `python3` on the PATH inside and nothing else. Trusted: the program is ours, the script the operator's.
    """
    return AcpProfile(
        name=name,
        argv=("python3", "-IS", f"{_INSIDE}/agent.py", f"{_INSIDE}/script.json"),
        about="Demo agent: replays prepared steps, without a language model.",
        binds=(Bind(_SCRIPTED, f"{_INSIDE}/agent.py"), Bind(script, f"{_INSIDE}/script.json")),
        trusted=True,
    )

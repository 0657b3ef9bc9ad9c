"""How a coding agent is started: one frozen profile per agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.sandbox.box import Bind, Box

Resume = Literal["load", "none"]
"""`load`: a later turn loads the session by its id in a new process. `none`: every turn is a new session."""

_SCRIPTED = Path(__file__).parent / "scripted" / "agent.py"
_INSIDE = "/opt/scripted"


@dataclass(frozen=True, slots=True)
class AcpProfile:
    """An agent that speaks the Agent Client Protocol on its standard input and output."""

    name: str
    argv: tuple[str, ...]
    """The command as it is found inside the box."""
    about: str = "An agent that speaks the Agent Client Protocol."
    """One line for people."""
    binds: tuple[Bind, ...] = ()
    """What the box shows in addition (an installation), read-only."""
    env: Mapping[str, str] = field(default_factory=dict)
    resume: Resume = "load"
    trusted: bool = False
    """We wrote this program: it may run where there is no sandbox."""

    def furnish(self, box: Box) -> Box:
        """The box with what this agent needs in it."""
        return box.with_binds(*self.binds).with_env(**self.env)


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

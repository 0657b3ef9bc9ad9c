"""The coding agents that we know: how each is installed, started, configured and counted, as data in `known/`."""

import platform
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.agents.profiles import (
    PROMPT,
    START_SECONDS,
    AcpProfile,
    Api,
    CommandProfile,
    Counted,
    Profile,
    Resume,
)
from bot.sandbox.box import Bind

URL = "http://127.0.0.1:8080"
"""Where every agent finds its model: the relay inside its sandbox. The same in all of them."""
KEY = "placeholder"
"""What an agent has as its key; the real one is added outside."""

_FOLDER = Path(__file__).parent / "known"
_ARCHITECTURE = {"x86_64": "x64", "aarch64": "arm64"}
Package = Annotated[str, StringConstraints(pattern=r"^(npm|pip):[@\w./-]+$")]
Below = Annotated[str, StringConstraints(pattern=r"^[.\w][\w.-]*(/[.\w][\w.-]*)*$")]
"""A path below a folder."""


class _Common(TypedDict):
    """What both kinds of profiles are made from."""

    name: str
    argv: tuple[str, ...]
    about: str
    binds: tuple[Bind, ...]
    env: Mapping[str, str]
    files: Mapping[str, str]
    caches: tuple[str, ...]
    api: Api
    version: str
    error_texts: tuple[str, ...]


class Known(BaseModel):
    """One agent. In `argv`, `env` and `files`, {install} {model} {url} {key} {prompt} and {arch} are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    """One line for people."""
    first_class: bool
    """Does the whole round here: new session, edit, follow-up in a new process."""
    licence: str
    package: Package
    version: str
    """The one that was tested."""
    also: tuple[str, ...] = ()
    """Further packages that it needs."""
    python: str = "3.11"
    """The version that a `pip` package wants."""
    protocol: Literal["acp", "command"] = "acp"
    argv: tuple[str, ...]
    wire: Api
    """What its model's service must speak."""
    resume: Resume = "load"
    close: Literal["eof", "kill"] = "eof"
    """How its process ends after a turn."""
    goes_on: bool = False
    """After a cancel the same process takes another prompt. After an error never: the next turn has a new process."""
    start_seconds: float = START_SECONDS
    usage: Counted = "none"
    own_sandbox: str = "none"
    """What became of the sandbox that it brings along."""
    error_texts: tuple[str, ...] = ()
    """Beginnings of last messages that are errors in disguise."""
    caches: tuple[Below, ...] = ()
    """Below HOME, not kept with the session. `.cache` and `.npm` never are."""
    env: Mapping[str, str] = Field(default_factory=dict)
    files: Mapping[Below, str] = Field(default_factory=dict)
    """Below HOME, written before each turn."""

    @property
    def name(self) -> str:
        """The package's, without where it comes from."""
        return self.package.partition(":")[2]

    def installing(self, folder: Path) -> str:
        """The command line that installs it there, for a person."""
        place, wanted = shlex.quote(str(folder)), f"{self.name}@{self.version}"
        if self.package.startswith("npm:"):
            return f"npm install --ignore-scripts --prefix {place} {wanted}"
        wanted = " ".join([f"{self.name}=={self.version}", *self.also])
        return f"python{self.python} -m venv {place} && {place}/bin/pip install {wanted}"

    def installed(self, folder: Path) -> str | None:
        """The version that lies there; None: it does not."""
        if self.package.startswith("npm:"):
            return _npm_version(folder / "node_modules" / self.name / "package.json")
        project = re.sub(r"[-_.]+", "_", self.name).lower()
        found = sorted(folder.glob(f"lib/python3*/site-packages/{project}-*.dist-info"))
        return found[-1].name.removeprefix(f"{project}-").removesuffix(".dist-info") if found else None

    def profile(self, name: str, choice: "Choice") -> Profile:
        """The agent as it is installed in `choice.install`, asking for `choice.model`."""
        words = {
            "{install}": str(choice.install),
            "{model}": choice.model,
            "{url}": URL,
            "{key}": KEY,
            "{prompt}": PROMPT,
            "{arch}": _ARCHITECTURE.get(platform.machine(), platform.machine()),
        }
        common: _Common = {
            "name": name,
            "argv": tuple(_filled(word, words) for word in self.argv),
            "about": self.about,
            "binds": tuple(Bind(folder, str(folder)) for folder in (choice.install, *_interpreter(choice.install))),
            "env": {key: _filled(value, words) for key, value in self.env.items()},
            "files": {path: _filled(text, words).lstrip("\n") for path, text in self.files.items()},
            "caches": self.caches,
            "api": self.wire,
            "version": self.installed(choice.install) or "",
            "error_texts": self.error_texts,
        }
        if self.protocol == "command":
            return CommandProfile(**common)
        return AcpProfile(
            **common,
            resume=self.resume,
            start_seconds=self.start_seconds,
            ends_at_eof=self.close == "eof",
            goes_on=self.goes_on,
            counted=self.usage,
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator chose about a known agent."""

    install: Path
    """The folder that it was installed in."""
    model: str
    """The model's name, as its service knows it."""


@cache
def known() -> Mapping[str, Known]:
    """Every known agent by its short name."""
    files = sorted(_FOLDER.glob("*.toml"))
    return {file.stem: Known.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files}


def _filled(text: str, words: Mapping[str, str]) -> str:
    """One pass: what was filled in is not looked at again."""
    return re.sub(r"\{(?:install|model|url|key|prompt|arch)\}", lambda found: words[found[0]], text)


def _npm_version(manifest: Path) -> str | None:
    try:
        found = re.search(r'"version":\s*"([^"]+)"', manifest.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None


def _interpreter(install: Path) -> tuple[Path, ...]:
    """A virtual environment needs the Python that it was made with, unless that lies below /usr."""
    try:
        found = re.search(r"^home *= *(.+)$", (install / "pyvenv.cfg").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ()
    prefix = Path(found[1].strip()).parent if found else Path("/usr")
    return () if prefix.is_relative_to("/usr") or prefix == Path("/") else (prefix,)

"""Find and read `issuewright.toml`; what is wrong with it is one sentence with its line."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.operator import model, outside_model
from bot.operator.model import OperatorFile
from bot.settings import PREFIX, Settings, SettingsError
from bot.task.limits import OPERATOR_FILE

_SECTIONS = [
    kind
    for kind in (*vars(model).values(), *vars(outside_model).values())
    if isinstance(kind, type) and issubclass(kind, BaseModel)
]
_KNOWN = sorted({name for section in _SECTIONS for name in section.model_fields})
_KEY = re.compile(r"\s*(?P<key>[^=#\[\]]+?)\s*=")

Place = tuple[str, ...]
"""A key with the tables around it."""


def find(settings: Settings) -> Path:
    """The file that ISSUEWRIGHT_CONFIG names, else the one in the data folder. It need not be there."""
    return settings.config or settings.data_dir / OPERATOR_FILE


def read(settings: Settings) -> OperatorFile:
    """The file, or an empty one when there is none. Raises SettingsError."""
    path = find(settings)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        if settings.config is not None:
            raise SettingsError(f"{PREFIX}CONFIG {path} is not there.") from None
        return OperatorFile()
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    return parse(text, path)


def parse(text: str, path: Path) -> OperatorFile:
    """Raises SettingsError with the first few mistakes, each with its line."""
    try:
        return OperatorFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        lines: dict[Place, int] = {}
        for place, number in _lines(text):
            for size in range(len(place), 0, -1):
                lines.setdefault(place[:size], number)
        wrong = [_sentence(item, lines) for item in error.errors()[:3]]
        raise SettingsError(f"{path} {'; '.join(wrong)}.") from error


def _sentence(error: Any, lines: dict[Place, int]) -> str:
    where: Place = tuple(str(part) for part in error["loc"] if part != "[key]")
    line = next((lines[where[:size]] for size in range(len(where), 0, -1) if where[:size] in lines), None)
    told = f"line {line}: " if line else ""
    name = spelled(where)
    if error["type"] != "extra_forbidden":
        return f"{told}`{name}`: {error['msg'][0].lower()}{error['msg'][1:]}"
    near = difflib.get_close_matches(where[-1], _KNOWN, n=1)
    return f"{told}unknown key `{name}`" + (f" (did you mean `{near[0]}`?)" if near else "")


def spelled(place: Sequence[str]) -> str:
    """A key as it is written: parts with other characters stand in quotes."""
    return ".".join(part if re.fullmatch(r"[\w-]+", part) else f'"{part}"' for part in place)


def _lines(text: str) -> Iterator[tuple[Place, int]]:
    """Where tables and keys begin. tomllib does not tell; it reads each of these lines on its own."""
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            table = _place(line) or table
            yield table, number
        elif (found := _KEY.match(line)) and (key := _place(f"{found['key']} = 0")):
            yield (*table, *key), number


def _place(line: str) -> Place:
    try:
        inner: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    place: list[str] = []
    while isinstance(inner, dict) and inner:
        name, inner = next(iter(inner.items()))
        place.append(name)
    return tuple(place)

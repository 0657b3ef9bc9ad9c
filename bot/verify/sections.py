"""Files of which only some sections belong to the test harness: the head's file with those sections of the base.

Text is cut and joined, not written anew, and the result is believed only if a parser finds in it exactly what was
wanted. Both sides are hostile: whatever cannot be read so is taken from the base as a whole.
"""

import configparser
import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

MERGED = frozenset({"pyproject.toml", "setup.cfg", "package.json"})

_TOML = ("pytest", "coverage", "tox", "nox", "hatch")
"""Below `tool`."""
_INI = re.compile(r"tool:pytest|pytest|coverage:.*|testenv.*|tox|nosetests|unittest|aliases")
_NPM = ("scripts", "jest", "vitest", "mocha", "ava", "nyc", "c8", "tap")
_TOML_HEADER = re.compile(r"\s*\[\[?\s*([^\]#]+?)\s*\]\]?\s*(?:#.*)?")
_INI_HEADER = re.compile(r"\[([^\]]+)\].*")


def with_sections_of(path: str, base: bytes | None, head: bytes | None) -> bytes | None:
    """The head's file with the sections of the base. None: they are the same; empty: take the base's whole file."""
    if head is None:
        return b"" if base is not None else None
    rule = {"pyproject.toml": _toml, "setup.cfg": _ini, "package.json": _npm}[PurePosixPath(path).name]
    try:
        return rule((base or b"").decode(), head.decode())
    except (ValueError, RecursionError, AttributeError, TypeError, configparser.Error):
        return b""


def _npm(base: str, head: str) -> bytes | None:
    before, after = json.loads(base or "{}"), json.loads(head)
    wanted = {key: before[key] for key in _NPM if key in before}
    if wanted == {key: after[key] for key in _NPM if key in after}:
        return None
    rest = {key: value for key, value in after.items() if key not in _NPM}
    return json.dumps({**rest, **wanted}, indent=2).encode() + b"\n"


def _toml(base: str, head: str) -> bytes | None:
    before, after = _split(tomllib.loads(base)), _split(tomllib.loads(head))
    if before[0] == after[0]:
        return None
    joined = _joined(base, head, _TOML_HEADER, lambda name: _is_tool(name))
    return joined.encode() if _split(tomllib.loads(joined)) == (before[0], after[1]) else b""


def _is_tool(name: str) -> bool:
    first, _, rest = name.replace('"', "").replace("'", "").replace(" ", "").partition(".")
    return first == "tool" and rest.partition(".")[0] in _TOML


def _split(data: dict[str, Any]) -> tuple[Any, Any]:
    """The harness's part and the rest."""
    tool = data.get("tool", {})
    ours = {key: value for key, value in tool.items() if key in _TOML}
    others = {key: value for key, value in tool.items() if key not in _TOML}
    return ours, {**{key: value for key, value in data.items() if key != "tool"}, "tool": others}


def _ini(base: str, head: str) -> bytes | None:
    before, after = _ini_parts(base), _ini_parts(head)
    if before[0] == after[0]:
        return None
    joined = _joined(base, head, _INI_HEADER, lambda name: bool(_INI.fullmatch(name)))
    return joined.encode() if _ini_parts(joined) == (before[0], after[1]) else b""


def _ini_parts(text: str) -> tuple[Any, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    ours = {name: value for name, value in sections.items() if _INI.fullmatch(name)}
    return ours, {name: value for name, value in sections.items() if name not in ours}


def _joined(base: str, head: str, header: re.Pattern[str], is_ours: Any) -> str:
    """The head's text without the sections of the harness, then those of the base."""
    kept = [text for name, text in _blocks(head, header) if not is_ours(name)]
    laid = [text for name, text in _blocks(base, header) if is_ours(name)]
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in (*kept, *laid) if text)


def _blocks(text: str, header: re.Pattern[str]) -> list[tuple[str, str]]:
    """Sections by their header, with what stands above the first one under an empty name."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines(keepends=True):
        if match := header.fullmatch(line.rstrip("\r\n")):
            found.append((match[1].strip(), []))
        found[-1][1].append(line)
    return [(name, "".join(lines)) for name, lines in found]

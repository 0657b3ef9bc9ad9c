"""Golden JSON of every event and effect payload: what an older version wrote stays readable.

`python -m tests.task.test_codec` writes the files that are missing; existing ones are never rewritten.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.task.codec import UnknownKind, decode_effect, decode_event, decode_task, encode
from bot.task.effects import Effect
from bot.task.events import TaskEvent
from bot.task.model import Phase
from tests.task.samples import AT, EFFECTS, EVENTS, task

GOLDEN = Path(__file__).parent / "golden" / "v1"


def _file(kind: str, name: str) -> Path:
    return GOLDEN / kind / f"{name.replace(' ', '_').replace('(', '').replace(')', '')}.json"


def _files() -> dict[Path, Effect | TaskEvent]:
    named: dict[Path, Effect | TaskEvent] = {_file("events", name): event for name, event in EVENTS.items()}
    return named | {_file("effects", type(effect).__name__): effect for effect in EFFECTS}


FILES = _files()


def grown(old: Any, new: Any) -> bool:
    """Is everything of `old` in `new`, at any depth?"""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() <= new.keys() and all(grown(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(grown, old, new))
    return bool(old == new)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_golden_payload_reads_as_what_it_was(file: Path) -> None:
    value, text = FILES[file], file.read_text()
    decode = decode_event if file.parent.name == "events" else decode_effect
    assert decode(type(value).__name__, text) == value
    assert grown(json.loads(text), json.loads(encode(value))), "a field may be added, none may change"


def test_no_golden_file_is_without_its_sample() -> None:
    assert set(GOLDEN.rglob("*.json")) == set(FILES)


@pytest.mark.parametrize("phase", Phase)
def test_a_task_comes_back_as_it_was(phase: Phase) -> None:
    before = task(phase, commanded_at=AT)
    assert decode_task(encode(before)) == before


def test_a_kind_of_a_newer_version_is_named() -> None:
    with pytest.raises(UnknownKind, match="Teleport"):
        decode_effect("Teleport", "{}")
    with pytest.raises(UnknownKind, match="Teleported"):
        decode_event("Teleported", "{}")


if __name__ == "__main__":
    for file, value in FILES.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(json.dumps(json.loads(encode(value)), indent=1) + "\n")

"""The App that people register may do what the code does, and nothing more: app.yml against the code.

tests/github/test_permissions.py holds the code's own list against the requests that it really makes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.github.permissions import ALWAYS_DELIVERED, ENDPOINTS, EVENTS, PERMISSIONS
from bot.task.hints import HANDLED_EVENTS

PAGE = Path(__file__).parents[1] / "app.yml"
LEVELS = ("read", "write")


def differences(page: Mapping[str, Any]) -> list[str]:
    """What the page says otherwise than the code."""
    found = []
    if page["default_permissions"] != dict(PERMISSIONS):
        found.append("permissions")
    if set(page["default_events"]) != EVENTS or len(page["default_events"]) != len(EVENTS):
        found.append("events")
    if page["public"] is not False:
        found.append("public")
    if not page["hook_attributes"]["url"].endswith("/webhooks/github"):
        found.append("hook_attributes")
    return found


def written() -> dict[str, Any]:
    page: dict[str, Any] = yaml.safe_load(PAGE.read_text())
    return page


def test_the_page_says_what_the_code_needs() -> None:
    assert differences(written()) == []


@pytest.mark.parametrize(
    ("section", "planted"),
    [
        ("default_permissions", {**PERMISSIONS, "workflows": "write"}),
        ("default_permissions", {**PERMISSIONS, "checks": "read"}),
        ("default_permissions", {name: level for name, level in PERMISSIONS.items() if name != "issues"}),
        ("default_events", [*EVENTS, "push"]),
        ("default_events", [*EVENTS, "installation"]),
        ("default_events", sorted(EVENTS)[1:]),
        ("public", True),
    ],
)
def test_a_planted_difference_is_found(section: str, planted: object) -> None:
    assert len(differences({**written(), section: planted})) == 1


def test_the_permissions_are_those_of_the_endpoints() -> None:
    needed: dict[str, str] = {}
    for need in filter(None, ENDPOINTS.values()):
        name, _, level = need.partition(":")
        needed[name] = max(needed.get(name, "read"), level, key=LEVELS.index)
    assert needed == dict(PERMISSIONS)


def test_the_events_are_those_that_are_read() -> None:
    assert HANDLED_EVENTS == EVENTS | ALWAYS_DELIVERED
    assert not EVENTS & ALWAYS_DELIVERED

"""What the App may do and what it hears; `app.yml` says the same to GitHub, and a test compares them."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.task.hints import HANDLED_EVENTS

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {"checks": "write", "contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}
)
EVENTS: frozenset[str] = HANDLED_EVENTS - {"installation", "installation_repositories"}
"""Installation events come to every App without subscribing."""

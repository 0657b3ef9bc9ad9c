"""What a vendor may be asked to do beyond answering: each thing by a name that the operator can allow."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

WEB_SEARCH = "web_search"
WEB_FETCH = "web_fetch"
CODE = "code_execution"
MCP = "mcp"
FILES = "files"
URLS = "urls"
STORED = "stored"
IMAGES = "image_generation"

NAMED = {
    WEB_SEARCH: "the vendor searches the web, with words that the agent chooses",
    WEB_FETCH: "the vendor fetches addresses that the agent chooses",
    CODE: "code runs in a container of the vendor",
    MCP: "the vendor calls other servers (MCP, connectors)",
    FILES: "files that were uploaded to the vendor, and stores of them",
    URLS: "the vendor fetches images and documents from addresses in the conversation",
    STORED: "the vendor keeps the conversation, or works in the background",
    IMAGES: "the vendor makes images, which are not counted",
}
"""What the operator may allow, and what it means. Beside these: `tool:TYPE`, `field:NAME`, `part:TYPE`, `beta:NAME`."""

_FAMILIES = (
    (re.compile(r"web_?search|google_?search|enterprise_?web|google_?maps", re.I), WEB_SEARCH),
    (re.compile(r"web_?fetch|url_?context|browser", re.I), WEB_FETCH),
    (re.compile(r"code_?(execution|interpreter)|container|skills|hosted_shell", re.I), CODE),
    (re.compile(r"mcp|connector", re.I), MCP),
    (re.compile(r"file_?search|files_?api|retrieval", re.I), FILES),
    (re.compile(r"image_?generation", re.I), IMAGES),
)
OPEN_NAME = re.compile(r"(tool|field|part|beta):[A-Za-z0-9_.:-]{1,100}")
"""Names beside the listed ones."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that a request asks the vendor for; `what` names it as the request does."""

    feature: str
    what: str


def family(kind: str, name: str) -> Wanted:
    """The feature that a tool, field, part or beta of this name belongs to; a name of its own when it is unknown."""
    for pattern, feature in _FAMILIES:
        if pattern.search(name):
            return Wanted(feature, f"{kind} {name[:80]}")
    return Wanted(f"{kind}:{re.sub(r'[^A-Za-z0-9_.:-]', '_', name)[:100]}", f"{kind} {name[:80]}")


def unknown_fields(body: Json, known: frozenset[str]) -> Iterator[Wanted]:
    """Fields that are not known to be harmless: a vendor may give them a meaning any day."""
    for name in body:
        if name not in known:
            yield family("field", name)


def dicts(value: object) -> list[Json]:
    """The objects in a value: of a list, or the one that it is, where a vendor might forgive that."""
    if isinstance(value, list):
        return [found for one in value for found in dicts(one)]
    return [value] if isinstance(value, dict) else []


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def count(value: object) -> int:
    """A number of tokens as a vendor tells it; what is none counts as 0."""
    return min(max(value, 0), 10**9) if isinstance(value, int) and not isinstance(value, bool) else 0


def known(feature: str) -> bool:
    """May `allow` name it?"""
    return feature in NAMED or OPEN_NAME.fullmatch(feature) is not None

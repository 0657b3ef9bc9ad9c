"""A GitHub as people name it, by its host, and where its API is."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_WORD = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_WORD}(?:\.{_WORD}){{0,10}}(?::\d{{1,5}})?", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_CLOUD = ".ghe.com"
"""GitHub Enterprise Cloud with data residency: https://api.NAME.ghe.com."""


@dataclass(frozen=True, slots=True)
class Site:
    """`html` is where people go, `api` the root of the REST API; neither ends in a slash."""

    html: str
    api: str

    @property
    def host(self) -> str:
        """For people: the host, with its port if it has one."""
        return urlsplit(self.html).netloc


GITHUB = Site("https://github.com", "https://api.github.com")


def site_of(said: str) -> Site | None:
    """The site behind a host that someone typed, with or without `https://`; None when it cannot be one.

    Credentials go there, so plain `http://` is for this machine alone.
    """
    text = said.strip().lower().rstrip("/")
    scheme, between, rest = text.rpartition("://")
    if not _HOST.fullmatch(rest) or (between and scheme not in ("https", "http")):
        return None
    name = rest.partition(":")[0]
    if scheme == "http" and name not in _LOOPBACK:
        return None
    if name in ("github.com", "www.github.com", "api.github.com"):
        return GITHUB
    if name.endswith(_CLOUD):
        rest = rest.removeprefix("api.")
        return Site(f"https://{rest}", f"https://api.{rest}")
    html = f"{scheme or 'https'}://{rest}"
    return Site(html, f"{html}/api/v3")


def site_of_api(url: str) -> Site:
    """The site whose API has this address."""
    if url == GITHUB.api:
        return GITHUB
    if (urlsplit(url).hostname or "").endswith(_CLOUD):
        return Site(url.replace("://api.", "://", 1), url)
    return Site(url.removesuffix("/api/v3"), url)

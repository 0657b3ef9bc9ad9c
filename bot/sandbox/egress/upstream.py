"""The way to a vendor: one fixed address, TLS verified, no redirects, no proxies of the environment."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from bot.sandbox.egress.values import Route

_VERSION = re.compile(r"/v\d+[a-z]*\d*$")
_TIMEOUT = httpx.Timeout(connect=20, read=600, write=60, pool=20)
BUSY_SECONDS = 60.0
"""How long a vendor is busy that does not say for how long."""
LONGEST_BUSY = timedelta(hours=24)
_SHOWN = frozenset(("retry-after", "retry-after-ms", "x-should-retry", "request-id", "x-request-id"))
_SHOWN_LIMITS = re.compile(r"(anthropic-|x-)ratelimit-[a-z-]+")


def client(route: Route, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for this route alone."""
    return httpx.AsyncClient(
        timeout=_TIMEOUT, follow_redirects=False, trust_env=False, proxy=route.proxy, transport=transport
    )


def address(route: Route, version: str, path: str, query: str) -> str:
    """Where a call goes. `path` was checked: it is one of a few of ours."""
    base = route.url.rstrip("/")
    if not _VERSION.search(base):
        base = f"{base}/{version}"
    return f"{base}{path}" + (f"?{query}" if query else "")


def posted(
    http: httpx.AsyncClient, url: str, headers: Mapping[str, str], body: bytes
) -> AbstractAsyncContextManager[httpx.Response]:
    """The call. Compressed answers could not be counted, so none are asked for."""
    ours = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "issuewright"}
    return http.stream("POST", url, content=body, headers={**ours, **headers})


def shown(headers: httpx.Headers) -> dict[str, str]:
    """The few headers of an answer that an agent may need; cookies and names of organizations are not among them."""
    return {
        name: value
        for name, value in headers.items()
        if name in _SHOWN or (_SHOWN_LIMITS.fullmatch(name) and len(value) < 100)
    }


def busy_until(status: int, headers: httpx.Headers, now: datetime) -> datetime | None:
    """Until when the vendor takes no more calls (429, 503, 529); None: it did not say that it is busy."""
    if status not in (429, 503, 529):
        return None
    told = headers.get("retry-after", "")
    until = now + timedelta(seconds=BUSY_SECONDS)
    if re.fullmatch(r"\d{1,9}(\.\d+)?", told):
        until = now + timedelta(seconds=float(told))
    elif told:
        try:
            date = parsedate_to_datetime(told)
            until = date if date.tzinfo else until
        except ValueError:
            pass
    return min(max(until, now), now + LONGEST_BUSY)

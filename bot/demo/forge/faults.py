"""Trouble on request: refused or lost answers, and a log of every request. An ASGI layer around the whole forge."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request. `actor` is the login that acted, `app:<slug>` for a JWT, or None."""

    method: str
    path: str
    query: str
    status: int
    actor: str | None
    fault: str | None = None

    @property
    def writes(self) -> bool:
        """Could it have changed anything?"""
        return self.method not in ("GET", "HEAD", "OPTIONS")


@dataclass(slots=True, eq=False)
class Rule:
    """What goes wrong for which requests. `times` counts down; None goes on until `stop`."""

    kind: str
    method: str
    path: re.Pattern[str]
    status: int
    times: int | None
    headers: Mapping[str, str]
    body: bytes
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Does it apply to this request now?"""
        return self.times != 0 and self.method in ("*", method) and self.path.search(path) is not None

    def stop(self) -> None:
        """Let requests pass again."""
        self.times = 0

    def hit(self) -> None:
        """It was applied once."""
        self.hits += 1
        if self.times is not None:
            self.times -= 1


@dataclass(slots=True)
class Faults:
    """The rules in force, asked in the order in which they were made."""

    rules: list[Rule] = field(default_factory=list)

    def refuse(
        self,
        method: str,
        path_regex: str,
        status: int = 500,
        *,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Rule:
        """Answer matching requests with an error and do nothing. `method` may be `*`."""
        return self._add("refuse", method, path_regex, status, times, headers or {}, body)

    def lose_answer(self, method: str, path_regex: str, *, times: int | None = 1, status: int = 502) -> Rule:
        """Perform matching requests, but answer with a gateway error: the caller cannot know that it worked."""
        return self._add("lose", method, path_regex, status, times, {}, None)

    def secondary_limit(self, method: str, path_regex: str, *, retry_after: int, times: int | None = 1) -> Rule:
        """GitHub's secondary rate limit: 403 with `Retry-After` in seconds."""
        body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
        return self.refuse(method, path_regex, 403, times=times, headers={"retry-after": str(retry_after)}, body=body)

    def clear(self) -> None:
        """No more trouble."""
        self.rules.clear()

    def find(self, method: str, path: str) -> Rule | None:
        """The rule for a request, counted as applied."""
        for rule in self.rules:
            if rule.matches(method, path):
                rule.hit()
                return rule
        return None

    def _add(
        self,
        kind: str,
        method: str,
        path_regex: str,
        status: int,
        times: int | None,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> Rule:
        content = json.dumps(body or {"message": "Server Error"}).encode()
        rule = Rule(kind, method.upper(), re.compile(path_regex), status, times, headers, content)
        self.rules.append(rule)
        return rule


class FaultLayer:
    """Runs the forge, applies the rules and writes the request log."""

    def __init__(self, app: ASGIApp, faults: Faults, log: list[Request]) -> None:
        self._app = app
        self._faults = faults
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        seen = {"status": 500}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        rule = self._faults.find(scope["method"], scope["path"])
        try:
            if rule is None:
                await self._app(scope, receive, note)
            else:
                if rule.kind == "lose":
                    await self._app(scope, receive, _into_the_void)
                await _answer(rule, note)
        finally:
            self._log.append(_entry(scope, seen["status"], rule))


async def _into_the_void(_message: Message) -> None:
    """The answer gets lost."""


async def _answer(rule: Rule, send: Send) -> None:
    headers = {"content-type": "application/json; charset=utf-8", **rule.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": rule.status, "headers": raw})
    await send({"type": "http.response.body", "body": rule.body})


def _entry(scope: Scope, status: int, rule: Rule | None) -> Request:
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode(),
        status=status,
        actor=scope["state"].get("actor"),
        fault=rule.kind if rule else None,
    )

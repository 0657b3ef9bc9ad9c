"""What the verbs stand on: retries, pages with conditional requests, the write budget."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from bot.github.cache import Page, PageCache
from bot.github.errors import Problem, RateLimited, Refused, Unavailable, failure
from bot.github.limits import Clock, Pauses, Urgency, WriteBudget, WriteLimits
from bot.github.links import next_page
from bot.github.tokens import Token, TokenScope
from bot.github.transport import Answer, By, Call, Transport
from bot.task.ids import RepoRef

log = logging.getLogger(__name__)

PAGE_SIZE = 100
"""The most that GitHub gives."""
MOST_PAGES = 50
"""Where a list ends for us: 5,000 rows."""
Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried in all when GitHub cannot be asked, and the first pause between tries in seconds."""

    tries: int = 3
    pause: float = 0.5


def repo_call(repo: RepoRef, verb: str, path: str, method: str = "GET", **more: Any) -> Call:
    """A call about one repository, made by its installation. `path` starts below the repository."""
    return Call(verb, repo.installation, method, f"/repos/{repo.full_name}{path}", repo_id=repo.id, **more)


def _graphql(repo: RepoRef, verb: str, query: str, variables: Mapping[str, Any]) -> Call:
    body = {"query": query, "variables": dict(variables)}
    return Call(verb, repo.installation, "POST", "/graphql", body=body)


class Api:
    """Calls with everything that every verb wants. Raises the errors of `bot.github.errors`."""

    def __init__(self, transport: Transport, clock: Clock, limits: WriteLimits, patience: Patience) -> None:
        self._transport = transport
        self._clock = clock
        self._budget = WriteBudget(limits, clock)
        self._pauses: Pauses[By] = Pauses(clock)
        self._pages = PageCache()
        self._patience = patience

    @property
    def web(self) -> httpx.URL:
        """Where the server has its pages and its git."""
        return self._transport.web

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def read(self, call: Call) -> Answer:
        """The answer; tried again while GitHub cannot be asked."""
        return await self._patiently(lambda: self._send(call))

    async def find(self, call: Call) -> Answer | None:
        """The answer, or None for what is not there."""
        try:
            return await self.read(call)
        except Refused as refused:
            if refused.gone:
                return None
            raise

    async def write(self, call: Call, urgency: Urgency = Urgency.NORMAL, *, repeatable: bool = False) -> Answer:
        """Change something. Only a call that may be carried out twice is tried again here."""
        installation = call.by
        if not isinstance(installation, int):
            raise ValueError("only an installation writes")

        async def once() -> Answer:
            self._pauses.check(installation)
            self._budget.take(installation, urgency)
            return await self._send(call)

        return await (self._patiently(once) if repeatable else once())

    async def pages(
        self, call: Call, parse: Callable[[Any], Iterable[Parsed]], *, remember: bool = False
    ) -> tuple[Parsed, ...]:
        """Every item of a list; what is not there has none. `parse` makes items of the JSON of one page.

        With `remember`, a page that did not change since is neither sent nor parsed again; an address must then
        always be asked for with the same `parse`.
        """
        items: list[Parsed] = []
        call = replace(call, params={"per_page": str(PAGE_SIZE), **call.params})
        for _ in range(MOST_PAGES):
            page = await self._page(call, parse, remember)
            if page is None:
                return tuple(items)
            items += cast(tuple[Parsed, ...], page.items)
            if page.following is None:
                return tuple(items)
            call = replace(call, path=page.following, params={})
        log.warning("stopped after %d pages when asked to %s; the rest was not seen", MOST_PAGES, call.verb)
        return tuple(items)

    async def query(self, repo: RepoRef, verb: str, query: str, variables: Mapping[str, Any]) -> Any:
        """Read by GraphQL: the `data` of the answer. It is no write, and takes none of their budget."""
        return self._data(repo, verb, await self.read(_graphql(repo, verb, query, variables)))

    async def mutate(
        self, repo: RepoRef, verb: str, query: str, variables: Mapping[str, Any], *, repeatable: bool = True
    ) -> Any:
        """Change something by GraphQL; the `data` of the answer."""
        answer = await self.write(_graphql(repo, verb, query, variables), repeatable=repeatable)
        return self._data(repo, verb, answer)

    def _data(self, repo: RepoRef, verb: str, answer: Answer) -> Any:
        """Errors come with status 200. Raises Refused with GitHub's message."""
        errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
        if not errors:
            return answer.data.get("data")
        if any(error.get("type") == "RATE_LIMITED" for error in errors):
            limited = failure(Problem(429, answer.headers, answer.message, verb), self._clock())
            if isinstance(limited, RateLimited):
                self._pauses.note(repo.installation, limited)
            raise limited
        told = "; ".join(str(error.get("message")) for error in errors)
        old = "; GitHub Enterprise Server is too old for it" if "doesn't exist on type" in told else ""
        raise Refused(422, told, verb, old)

    async def token(self, scope: TokenScope) -> Token:
        """A token for git; see `TokenScope`."""
        return await self._patiently(
            lambda: self._within_limits(scope.installation, lambda: self._transport.token(scope))
        )

    async def _page(self, call: Call, parse: Callable[[Any], Iterable[Parsed]], remember: bool) -> Page | None:
        key = (call.by, call.path, tuple(sorted(call.params.items())))
        known = self._pages.get(key) if remember else None
        answer = await self.find(replace(call, etag=known.etag) if known else call)
        if answer is None:
            return None
        if answer.status == 304 and known:
            return known
        etag, following = answer.headers.get("etag", ""), next_page(answer.headers.get("link"))
        page = Page(etag, tuple(parse(answer.data)), following, answer.size)
        if remember and page.etag:
            self._pages.put(key, page)
        return page

    async def _send(self, call: Call) -> Answer:
        return await self._within_limits(call.by, lambda: self._transport.send(call))

    async def _within_limits(self, by: By, asks: Callable[[], Awaitable[Parsed]]) -> Parsed:
        self._pauses.check(by)
        try:
            return await asks()
        except RateLimited as limited:
            self._pauses.note(by, limited)
            raise

    async def _patiently(self, once: Callable[[], Awaitable[Parsed]]) -> Parsed:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(self._patience.tries),
            wait=wait_exponential(multiplier=self._patience.pause, max=8) + wait_random(0, self._patience.pause),
            reraise=True,
        ):
            with attempt:
                return await once()
        raise AssertionError("tenacity ends with a value or an exception")

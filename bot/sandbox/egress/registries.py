"""Package registries for a set-up: read-only, at addresses that the operator named, through a socket of its own.

What can leave is the names of paths, bounded in number and length: who runs a registry, or reads its log, sees them.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin

import httpx

from bot.sandbox.box import Box
from bot.sandbox.egress.box import SOCKET, furnished, socket_folder
from bot.sandbox.egress.listening import BadRequest, Bounds, Connection, Gone, Listener, Request
from bot.sandbox.egress.values import REGISTRY_PORT, REGISTRY_URL, Registry
from bot.task.limits import OPERATOR_FILE

Furnish = Callable[[Box], Box]
"""Gives a box what the set-up may reach outside."""

_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]*")
_CODED = re.compile(r"%(2f|40|2b|20|3a|21|7e|2d)", re.IGNORECASE)
"""Percent codes that registries use; others, a coded dot above all, mean nothing here."""
_PAGES = re.compile(r"text/html|application/json|application/[\w.+-]*(json|html)", re.IGNORECASE)
_SHOWN = ("content-type", "content-length", "content-encoding", "etag", "last-modified")
_REDIRECTS = (301, 302, 303, 307, 308)
_TIMEOUT = httpx.Timeout(connect=20, read=120, write=20, pool=20)


@dataclass(frozen=True, slots=True)
class Most:
    """What one set-up may fetch."""

    requests: int = 10_000
    path_chars: int = 300
    page_bytes: int = 64 << 20
    """Of an index page, which is held in memory and rewritten."""
    bytes: int = 8 << 30
    """Of everything."""
    redirects: int = 5


@dataclass(slots=True)
class Fetched:
    """What a set-up has fetched so far."""

    requests: int = 0
    bytes: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Access:
    """Registry access while the block of `opened` lasts."""

    folder: Path
    registries: tuple[Registry, ...]
    fetched: Fetched

    def furnish(self, box: Box) -> Box:
        """The box with the registries behind `values.REGISTRY_URL`, and the variables that point there."""
        env = {
            name: value.replace("{url}", f"{REGISTRY_URL}/{registry.name}")
            for registry in self.registries
            for name, value in registry.env.items()
        }
        return furnished(box, "registries", self.folder, REGISTRY_PORT, env)


@asynccontextmanager
async def opened(
    registries: Sequence[Registry], *, most: Most | None = None, bounds: Bounds | None = None
) -> AsyncIterator[Access]:
    """Access for the block."""
    bounds = bounds or Bounds(body_bytes=0, methods=("GET", "HEAD"))
    fetched = Fetched()
    async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as http:
        proxy = _Proxy(tuple(registries), http, most or Most(), fetched)
        with socket_folder() as folder:
            async with Listener(folder / SOCKET, proxy.answer, bounds):
                yield Access(folder, tuple(registries), fetched)


def lender(registries: Sequence[Registry]) -> Callable[[], AbstractAsyncContextManager[Furnish]]:
    """Opens access for a while, for whoever builds set-ups; without registries boxes stay as they are."""

    @asynccontextmanager
    async def lend() -> AsyncIterator[Furnish]:
        async with opened(registries) as access:
            yield access.furnish

    return lend if registries else lambda: nullcontext(lambda box: box)


class _Proxy:
    """Answers what comes in on the socket of a set-up."""

    def __init__(self, registries: tuple[Registry, ...], http: httpx.AsyncClient, most: Most, fetched: Fetched) -> None:
        self._registries = {registry.name: registry for registry in registries}
        self._http, self._most, self._fetched = http, most, fetched

    async def answer(self, request: Request, connection: Connection) -> None:
        """One request."""
        try:
            registry, url = self._meant(request)
            self._fetched.requests += 1
            await self._pass(registry, url, request, connection)
        except BadRequest as refusal:
            if len(self._fetched.refused) < 20:
                self._fetched.refused.append(f"{request.method} {request.path[:100]}: {refusal}")
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadRequest(502, f"the registry does not answer: {str(error) or type(error).__name__}") from error

    def _meant(self, request: Request) -> tuple[Registry, str]:
        """The registry, and the address there. Raises BadRequest."""
        if self._fetched.requests >= self._most.requests:
            raise BadRequest(403, f"one set-up may fetch {self._most.requests:,} times")
        if request.query:
            raise BadRequest(403, "addresses with a query are not fetched, they could carry data out")
        _, name, *segments = request.path.split("/")
        registry = self._registries.get(name)
        if registry is None:
            known = ", ".join(sorted(self._registries)) or "none"
            raise BadRequest(
                404, f"there is no registry {name[:60]}; there are: {known} (`registries` in {OPERATOR_FILE})"
            )
        base = registry.url
        if segments and (found := re.fullmatch(r"\+(\d)", segments[0])) and int(found[1]) < len(registry.also):
            base, segments = registry.also[int(found[1])], segments[1:]
        path = "/".join(segments)
        if len(path) > self._most.path_chars or not all(_plain(segment) for segment in segments):
            raise BadRequest(403, f"the path is no plain path of at most {self._most.path_chars} characters")
        return registry, f"{base.rstrip('/')}/{path}"

    async def _pass(self, registry: Registry, url: str, request: Request, connection: Connection) -> None:
        """Redirects are followed here, and only to addresses of the registry."""
        accept = request.headers.get("accept", "*/*")[:500]
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": "issuewright"}
        for _ in range(self._most.redirects + 1):
            async with self._http.stream(request.method, url, headers=headers) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._hand_on(registry, response, request, connection)
                url = _next(registry, url, response.headers.get("location", ""))
        raise BadRequest(502, "the registry redirects without end")

    async def _hand_on(
        self, registry: Registry, response: httpx.Response, request: Request, connection: Connection
    ) -> None:
        headers = {name: response.headers[name] for name in _SHOWN if name in response.headers}
        page = _PAGES.match(response.headers.get("content-type", "")) is not None
        if page and request.method == "GET" and response.status_code == 200:
            return await self._page(registry, response, headers, connection)
        await connection.head(response.status_code, headers)
        if request.method == "GET":
            async for data in response.aiter_raw():
                self._count(len(data))
                await connection.send(data)
        await connection.end()

    async def _page(
        self, registry: Registry, response: httpx.Response, headers: Mapping[str, str], connection: Connection
    ) -> None:
        """An index, whose links to the registry lead to us."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadRequest(502, "the registry sends a compressed page, though nobody asked for that")
        page = bytearray()
        async for data in response.aiter_raw():
            self._count(len(data))
            page += data
            if len(page) > self._most.page_bytes:
                raise BadRequest(502, f"the page has more than {self._most.page_bytes:,} bytes")
        kept = {name: value for name, value in headers.items() if name in ("etag", "last-modified")}
        kind = response.headers.get("content-type", "text/html")
        await connection.whole(200, rewritten(registry, bytes(page)), kind, kept)

    def _count(self, size: int) -> None:
        self._fetched.bytes += size
        if self._fetched.bytes > self._most.bytes:
            self._fetched.refused.append(f"one set-up may fetch {self._most.bytes:,} bytes")
            raise Gone


def rewritten(registry: Registry, page: bytes) -> bytes:
    """The page with every address of the registry replaced by ours, also as JSON may write it."""
    ours = f"{REGISTRY_URL}/{registry.name}"
    pairs = [(registry.url, ours), *((also, f"{ours}/+{place}") for place, also in enumerate(registry.also))]
    for theirs, inside in sorted(pairs, key=lambda pair: -len(pair[0])):
        for slash in ("/", "\\/"):
            old = theirs.rstrip("/").replace("/", slash).encode()
            page = re.sub(
                re.escape(old) + rb"(?=[/\\\"'?#<\s]|$)",
                inside.replace("/", slash).encode().replace(b"\\", b"\\\\"),
                page,
            )
    return page


def _plain(segment: str) -> bool:
    """Means the same to us and to every server: no dots that climb, no codes that hide something."""
    rest = _CODED.sub("", segment)
    inner = unquote(segment)
    climbs = any(part in (".", "..") for part in inner.split("/"))
    return _SEGMENT.fullmatch(segment) is not None and "%" not in rest and not climbs


def _next(registry: Registry, url: str, location: str) -> str:
    """Where a redirect leads. Raises BadRequest when that is not the registry any more."""
    target = urljoin(url, location)
    bases = [base.rstrip("/") + "/" for base in (registry.url, *registry.also)]
    path = target.split("?")[0]
    plain = all(_plain(segment) for segment in path.split("/")[3:])
    if len(target) > 2000 or not plain or not any(target.startswith(base) for base in bases):
        where = re.sub(r"[^\w.:/-]", "_", "/".join(target.split("/")[:3]))[:100]
        setting = f"`registries.{registry.name}.also` in {OPERATOR_FILE}"
        raise BadRequest(502, f"the registry redirects to {where}, which is none of its addresses: see {setting}")
    return target

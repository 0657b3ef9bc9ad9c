"""Answer the calls of one turn: judge, reserve, call the vendor with the key, pass on without it, count."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from bot.sandbox.egress import upstream
from bot.sandbox.egress.judge import BYTES_PER_TOKEN, WIRES, Passed, Refused, judge
from bot.sandbox.egress.listening import Connection, Gone, Request
from bot.sandbox.egress.meter import Call, Meter, Over
from bot.sandbox.egress.stream import Events, TooLarge
from bot.sandbox.egress.values import Route
from bot.sandbox.egress.wire import Count, data_of
from bot.task.usage import Tokens
from bot.words.redacted import Redactor

LARGEST_ANSWER = 32 << 20
_KEPT = 5
"""Refusals that are remembered."""
_WORDS = 300
"""Bytes of the vendor's words in an error that are remembered."""


@dataclass(slots=True)
class Record:
    """How the vendor answered, for `Spent`."""

    failures: int = 0
    fault: str = ""
    busy_until: datetime | None = None
    refused: list[str] = field(default_factory=list)
    models: dict[str, None] = field(default_factory=dict)
    last_call: datetime | None = None

    def failed(self, fault: str) -> None:
        self.failures += 1
        self.fault = fault

    def refuse(self, text: str) -> None:
        if len(self.refused) < _KEPT and text not in self.refused:
            self.refused.append(text)


class Broken(Exception):
    """The vendor's answer cannot be passed on."""


class ModelProxy:
    """Answers what comes in on the socket of a turn."""

    def __init__(
        self, route: Route, meter: Meter, http: httpx.AsyncClient, clock: Callable[[], datetime], money_counts: bool
    ) -> None:
        self._route, self._meter, self._http, self._clock = route, meter, http, clock
        self._wire = WIRES[route.wire]
        self._money_counts = money_counts
        self._redactor = Redactor([route.key])
        self._judging = asyncio.Semaphore(2)  # a large body takes ten times its size while it is read
        self.record = Record()

    async def answer(self, request: Request, connection: Connection) -> None:
        """One request."""
        self.record.last_call = self._clock()
        if request.method in ("GET", "HEAD") and request.path == f"/{self._wire.version}/models":
            return await connection.json(200, self._wire.models(self._route.models))
        async with self._judging:
            verdict = await asyncio.to_thread(judge, self._route, request, self._money_counts)
        if isinstance(verdict, Refused):
            self.record.refuse(verdict.text)
            return await self._error(connection, verdict.status, verdict.text)
        calling = asyncio.ensure_future(self._call(verdict, request, connection))
        leaving = asyncio.ensure_future(connection.gone())
        try:
            await asyncio.wait((calling, leaving), return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                calling.result()
        finally:
            for task in (calling, leaving):
                task.cancel()
            await asyncio.gather(calling, leaving, return_exceptions=True)

    async def _call(self, passed: Passed, request: Request, connection: Connection) -> None:
        try:
            if not passed.operation.paid:
                return await self._forward(passed, request, connection, Call.free())
            async with self._meter.call(passed.price, passed.most) as call:
                await self._forward(passed, request, connection, call)
        except Over as over:
            await self._error(connection, 400, f"BUDGET_USED_UP: {over} The work so far is kept; end your turn.")
        except (httpx.HTTPError, httpx.InvalidURL, Broken) as error:
            self.record.failed(f"the vendor did not answer: {self._redactor.text(str(error) or type(error).__name__)}")
            await self._error(connection, 502, f"The model {self.record.fault}")

    async def _forward(self, passed: Passed, request: Request, connection: Connection, call: Call) -> None:
        url = upstream.address(self._route, self._wire.version, passed.operation.path, passed.operation.query)
        headers = self._wire.headers(self._route.key, request.headers, self._route.allow)
        async with _reached(upstream.posted(self._http, url, headers, passed.body), call) as response:
            self.record.busy_until = upstream.busy_until(response.status_code, response.headers, self._clock())
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Broken("its answer is compressed, though nobody asked for that")
            kind = response.headers.get("content-type", "")
            if response.status_code != 200:
                call.settle(Tokens())
                await self._failure(response, connection)
            elif passed.streams and kind.startswith("text/event-stream"):
                await self._stream(passed, response, connection, call)
            else:
                await self._whole(passed, response, connection, call)

    async def _failure(self, response: httpx.Response, connection: Connection) -> None:
        """Passed on as it is, so that agents wait and try again as they would; a redirect is not followed."""
        status, body = response.status_code, self._redactor.data(await self._bytes(response))
        words = body[:_WORDS].decode(errors="replace")
        self.record.failed(f"HTTP {status}: {' '.join(words.split())}")
        if status < 400:
            return await self._error(connection, 502, f"The vendor answered with HTTP {status}, which is not followed.")
        headers = {name: self._redactor.text(value) for name, value in upstream.shown(response.headers).items()}
        await connection.whole(status, body, _kind(response), headers)

    async def _whole(self, passed: Passed, response: httpx.Response, connection: Connection, call: Call) -> None:
        body = await self._bytes(response)
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        counted = self._wire.count(said, Count()) if isinstance(said, dict) else Count()
        if counted.said or not passed.operation.paid:
            call.settle(counted.tokens)
        self._good(passed)
        headers = {name: self._redactor.text(value) for name, value in upstream.shown(response.headers).items()}
        await connection.whole(200, self._redactor.data(body), _kind(response), headers)

    async def _stream(self, passed: Passed, response: httpx.Response, connection: Connection, call: Call) -> None:
        """Event by event. What breaks off is counted as far as it came."""
        headers = {name: self._redactor.text(value) for name, value in upstream.shown(response.headers).items()}
        await connection.head(200, {"content-type": "text/event-stream", "cache-control": "no-cache", **headers})
        events, counted, size = Events(), Count(), 0
        try:
            async for data in response.aiter_raw():
                size += len(data)
                for event in events.feed(data):
                    self.record.last_call = self._clock()
                    said = data_of(event)
                    counted = self._wire.count(said, counted) if said is not None else counted
                    call.settle(_at_most(counted, passed.most, size), estimated=True)
                    if not (passed.hide_usage and said is not None and self._wire.unasked(said)):
                        await connection.send(self._redactor.data(event))
            await connection.send(self._redactor.data(events.rest))
        except (httpx.HTTPError, TooLarge) as error:
            self.record.failed(f"the answer broke off: {self._redactor.text(str(error) or type(error).__name__)}")
            raise Gone from error  # the agent sees a stream that ends without its end
        if counted.said:
            call.settle(counted.tokens)
        self._good(passed)
        await connection.end()

    async def _bytes(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for data in response.aiter_raw():
            body += data
            if len(body) > LARGEST_ANSWER:
                raise Broken(f"its answer has more than {LARGEST_ANSWER:,} bytes")
        return bytes(body)

    def _good(self, passed: Passed) -> None:
        self.record.fault = ""
        if passed.operation.paid:
            self.record.models[passed.model] = None

    async def _error(self, connection: Connection, status: int, text: str) -> None:
        await connection.json(status, self._wire.error(status, text))


@asynccontextmanager
async def _reached(calling: AbstractAsyncContextManager[httpx.Response], call: Call) -> AsyncIterator[httpx.Response]:
    """The answer; a call that never reached the vendor costs nothing."""
    try:
        async with calling as response:
            yield response
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
        call.settle(Tokens())
        raise


def _at_most(counted: Count, most: Tokens, size: int) -> Tokens:
    """What a stream that breaks off here has used: the input as it was told, else as estimated; the output by bytes."""
    told = counted.tokens
    output = max(told.output, min(size // BYTES_PER_TOKEN, most.output))
    if not counted.said:
        return Tokens(input=most.input, output=output)
    return Tokens(told.input, told.cached, told.written, output)


def _kind(response: httpx.Response) -> str:
    """JSON, whatever else a vendor says: nothing here is for a browser."""
    kind = response.headers.get("content-type", "")
    return kind if kind.startswith(("application/json", "text/plain")) and len(kind) < 100 else "application/json"

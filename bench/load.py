"""A load of signed deliveries over a few connections, lean enough to leave a core to the server.

    python -m bench.load PORT CONNECTIONS SECONDS

Prints one JSON object: `elapsed` seconds, `busy` (share of them that this process computed: near 1 means that it could
not ask faster), `took` (seconds of each request), `good` (answers 200 and 202).
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
import uuid
from collections import Counter

import httptools

SECRET = b"bench"
PATH = "/webhooks/github"


def payload() -> bytes:
    """About 12 kB in the shape of an `issues.labeled` delivery: many short addresses, one longer text."""
    api = "https://api.github.com/repos/acme/widgets"
    person = {"login": "octocat", "id": 1, "type": "User"} | {f"{n}_url": f"{api}/people/{n}" for n in range(12)}
    repository = {"id": 7, "full_name": "acme/widgets", "owner": person} | {f"{n}_url": f"{api}/{n}" for n in range(50)}
    labels = [{"id": n, "name": f"label {n}", "url": f"{api}/labels/{n}"} for n in range(20)]
    issue = {"number": 3, "title": "A title", "body": "words " * 750, "user": person, "labels": labels}
    whole = {"action": "labeled", "issue": issue, "label": labels[0], "repository": repository, "sender": person}
    return json.dumps(whole | {"installation": {"id": 9}}).encode()


def head(body: bytes, port: int) -> bytes:
    """Everything before the delivery's id, which is the last header."""
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return (
        f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-github-event: issues\r\nx-hub-signature-256: sha256={signature}\r\n"
        "x-github-delivery: "
    ).encode()


class Caller(asyncio.Protocol):
    """One connection that posts the next delivery as soon as the last is answered, until `until`."""

    def __init__(self, before: bytes, body: bytes, until: float) -> None:
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._before, self._after, self._until = before, b"\r\n\r\n" + body, until
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 (for the type: TCP gives no other)
        self._transport = transport
        self._post()

    def _post(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._begun = time.perf_counter()
        self._transport.write(self._before + uuid.uuid4().hex.encode() + self._after)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser, which must not be replaced while it parses."""
        now = time.perf_counter()
        self.took.append(now - self._begun)
        self.statuses[self._parser.get_status_code()] += 1
        if now < self._until:
            asyncio.get_running_loop().call_soon(self._post)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def ask(port: int, connections: int, seconds: float) -> dict[str, object]:
    """Post for so long; what came of it."""
    body = payload()
    before = head(body, port)
    loop = asyncio.get_running_loop()
    begun, computed = time.perf_counter(), time.process_time()
    callers: list[Caller] = []
    for _ in range(connections):
        _, caller = await loop.create_connection(lambda: Caller(before, body, begun + seconds), "127.0.0.1", port)
        callers.append(caller)
    await asyncio.gather(*(caller.over for caller in callers))
    statuses = sum((caller.statuses for caller in callers), Counter[int]())
    elapsed = time.perf_counter() - begun
    return {
        "elapsed": elapsed,
        "busy": (time.process_time() - computed) / elapsed,
        "took": [second for caller in callers for second in caller.took],
        "good": statuses[200] + statuses[202],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))))

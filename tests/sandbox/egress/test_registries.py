"""Registry access of a set-up: what it may fetch, and that it is no way to anything else."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from bot.sandbox.box import Box, Limits
from bot.sandbox.egress import registries
from bot.sandbox.egress.box import SOCKET
from bot.sandbox.egress.registries import Access, Most, rewritten
from bot.sandbox.egress.values import Registry
from bot.sandbox.process import Sandbox

pytestmark = pytest.mark.anyio


class Shelf:
    """A registry on loopback: an index, files on the same server, redirects."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *said: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                shelf.seen.append(f"{self.command} {self.path}")
                kind, body = "application/octet-stream", b"x" * 5000
                if self.path.startswith("/index/simple"):
                    kind = "text/html"
                    body = f'<a href="{shelf.url}/files/a-1.whl">a</a> <a href="https://e.example/b">b</a>'.encode()
                self.send_response(302 if "/moved" in self.path else 200)
                if "/moved" in self.path:
                    far = self.path.endswith("far")
                    self.send_header("location", "http://127.0.0.1:1/x" if far else f"{shelf.url}/files/a-1.whl")
                self.send_header("content-type", kind)
                self.send_header("set-cookie", "a=b")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def registry(self) -> Registry:
        env = {"PACKAGES": "{url}/simple"}
        return Registry("packages", f"{self.url}/index", (f"{self.url}/files",), env)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


async def get(access: Access, path: str, method: str = "GET", **how: Any) -> httpx.Response:
    transport = httpx.AsyncHTTPTransport(uds=str(access.folder / SOCKET))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081", timeout=30) as http:
        return await http.request(method, path, **how)


async def raw(access: Access, line: str) -> bytes:
    """A request line as it is."""
    reader, writer = await asyncio.open_unix_connection(access.folder / SOCKET)
    writer.write(f"{line} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
    try:
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def test_a_set_up_follows_the_index_to_the_file(sandbox: Sandbox, box: Box, shelf: Shelf) -> None:
    script = (
        """page=$(curl -sS $PACKAGES/a/) && file=$(echo "$page" | grep -o 'http://127[^"]*whl') && curl -sS $file"""
    )
    async with registries.opened([shelf.registry()]) as access:
        finished = await sandbox.run(access.furnish(box), ["sh", "-c", script], Limits(seconds=30))
    assert finished.output == b"x" * 5000
    assert shelf.seen == ["GET /index/simple/a/", "GET /files/a-1.whl"]
    assert (access.fetched.requests, access.fetched.refused) == (2, [])


async def test_links_to_other_hosts_stay_and_lead_nowhere(shelf: Shelf) -> None:
    async with registries.opened([shelf.registry()]) as access:
        page = await get(access, "/packages/simple/a/")
    assert "http://127.0.0.1:8081/packages/+0/a-1.whl" in page.text
    assert "https://e.example/b" in page.text
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(
    "line",
    [
        "GET /packages/../secret",
        "GET /packages/%2e%2e/secret",
        "GET /packages/a%2f..%2fsecret",
        "GET /packages/a%5c..%5csecret",
        "GET /packages/a%00",
        "GET /packages/simple/?data=secret",
        "GET /packages/" + "a" * 400,
        "GET /other/simple/",
        "GET /",
        "GET http://127.0.0.1:1/simple",
        "CONNECT 127.0.0.1:1",
        "POST /packages/simple",
        "PUT /packages/simple",
        "DELETE /packages/simple",
    ],
)
async def test_nothing_else_is_asked(shelf: Shelf, line: str) -> None:
    async with registries.opened([shelf.registry()]) as access:
        answer = await raw(access, line)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert b"There is no network in this sandbox" in answer
    assert shelf.seen == []


async def test_a_body_is_no_way_out(shelf: Shelf) -> None:
    async with registries.opened([shelf.registry()]) as access:
        answer = await get(access, "/packages/simple", content=b"secret")
    assert answer.status_code == 413
    assert shelf.seen == []


async def test_redirects_are_followed_within_the_registry_alone(shelf: Shelf) -> None:
    async with registries.opened([shelf.registry()]) as access:
        near, far = await get(access, "/packages/moved"), await get(access, "/packages/moved-far")
    assert (near.status_code, near.content) == (200, b"x" * 5000)
    assert (far.status_code, "none of its addresses: see `registries.packages.also`" in far.text) == (502, True)


async def test_bounds(shelf: Shelf) -> None:
    async with registries.opened([shelf.registry()], most=Most(requests=1, bytes=4000, page_bytes=10)) as access:
        with pytest.raises(httpx.HTTPError):
            await get(access, "/packages/+0/a-1.whl")
        assert (await get(access, "/packages/+0/a-1.whl")).status_code == 403
    async with registries.opened([shelf.registry()], most=Most(page_bytes=10)) as access:
        assert (await get(access, "/packages/simple/a/")).status_code == 502


async def test_a_registry_that_is_away(shelf: Shelf) -> None:
    async with registries.opened([Registry("gone", "http://127.0.0.1:1")]) as access:
        answer = await get(access, "/gone/simple/")
    assert (answer.status_code, "does not answer" in answer.text) == (502, True)


def test_addresses_are_rewritten_as_json_writes_them_and_only_as_a_whole() -> None:
    registry = Registry("npm", "https://r.example/x", ("https://files.r.example",))
    page = b'{"a":"https:\\/\\/files.r.example\\/a.tgz","b":"https://r.example/xy","c":"https://r.example/x/c"}'
    assert rewritten(registry, page) == (
        b'{"a":"http:\\/\\/127.0.0.1:8081\\/npm\\/+0\\/a.tgz","b":"https://r.example/xy",'
        b'"c":"http://127.0.0.1:8081/npm/c"}'
    )

"""A scripted model server on loopback: Anthropic Messages, OpenAI chat and Responses, Gemini; JSON and event streams.

    with ModelServer() as server:
        … an agent whose base URL is server.url, or a proxy in front of it …
        server.requests          # what came in, oldest first: path, headers, body

What it answers stands in the conversation itself, by the convention in `tests/worlds/model_script.py`. A prompt such as

    Please do this: MODEL[plan look, change ;; write notes.txt hello ;; run cat notes.txt ;; say All done.]

makes any agent plan, write, run and end, whatever its tools are called. Every answer claims the tokens of `usage`
(1,200 in, 200 of them cached, 50 out). It runs on threads of its own and listens on 127.0.0.1 only.

By hand: `python -m tests.worlds.model_server PORT`, which prints each request as a line of JSON.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.worlds.model_script import Echo, Fail, Say, Stall, answer
from tests.worlds.model_wires import Json, Usage, Wire, wire_of

_KEYS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")


@dataclass(frozen=True)
class Seen:
    """A request as it came in; header names are in lower case."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    body: Json

    @property
    def key(self) -> str:
        """The key that came along, without `Bearer`."""
        return next((self.headers[name].removeprefix("Bearer ") for name in _KEYS if name in self.headers), "")


class ModelServer:
    """The server; as a context manager it lives for the block."""

    def __init__(self, usage: Usage | None = None, port: int = 0, pause: float = 0.0) -> None:
        """`pause`: seconds between two events of a stream."""
        self.usage, self.pause = usage or Usage(), pause
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.world = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Without a path: wires add `/v1/…` themselves."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    world: ModelServer
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *said: object) -> None:
        """Nothing: requests are kept."""

    def do_HEAD(self) -> None:
        self._json({})

    def do_GET(self) -> None:
        self._keep({})
        model = {"id": "scripted", "object": "model", "type": "model", "display_name": "scripted"}
        found = self.path.partition("?")[0].endswith("/models")
        self._json({"object": "list", "data": [model], "models": []} if found else {}, 200 if found else 404)

    def do_POST(self) -> None:
        body = self._body()
        seen = self._keep(body)
        path = self.path.partition("?")[0]
        if path.endswith(("/count_tokens", ":countTokens")):
            return self._json({"input_tokens": 100, "totalTokens": 100})
        wire = wire_of(path)
        if wire is None:
            return self._json({"error": {"message": f"the scripted model has no {path}"}}, 404)
        return self._answer(wire, path, body, seen)

    def _answer(self, wire: Wire, path: str, body: Json, seen: Seen) -> None:
        said, usage = answer(wire.asked(body)), self.server.world.usage
        streams = wire.streams(path, body)
        match said:
            case Fail():
                return self._json(wire.error(said), said.status)
            case Stall(seconds):
                return self._break_off(wire, wire.events(Say("scripted"), body, usage)[0], seconds)
            case Echo():
                said = Say(f"The key is {seen.key}.")
        if streams:
            return self._stream(wire, wire.events(said, body, usage))
        return self._json(wire.whole(said, body, usage))

    def _stream(self, wire: Wire, events: list[Json]) -> None:
        self._begin_stream()
        for event in events:
            self._event(wire, event)
            time.sleep(self.server.world.pause)
        if wire.done:
            self.wfile.write(b"data: [DONE]\n\n")

    def _break_off(self, wire: Wire, first: Json, seconds: float) -> None:
        self._begin_stream()
        self._event(wire, first)
        self.server.world.closing.wait(seconds)

    def _begin_stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def _event(self, wire: Wire, event: Json) -> None:
        name = f"event: {event['type']}\n" if wire.event_names else ""
        self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def _json(self, body: Json, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _keep(self, body: Json) -> Seen:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body)
        self.server.world.requests.append(seen)
        return seen

    def _body(self) -> Json:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            raw = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw or b"{}")
        return body if isinstance(body, dict) else {}


def main() -> None:
    """Serve until interrupted."""
    with ModelServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        sys.stdout.write(f"{server.url}\n")
        told = 0
        while True:
            time.sleep(0.2)
            for seen in server.requests[told:]:
                sys.stdout.write(json.dumps({"path": seen.path, "body": seen.body}) + "\n")
                told += 1


if __name__ == "__main__":
    main()

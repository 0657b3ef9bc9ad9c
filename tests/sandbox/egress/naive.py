"""A proxy as one would write it in a minute: it adds the key and passes everything on. Shows that attacks are real."""

import http.client
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.sandbox.egress.client import KEY


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    vendor = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *said: object) -> None:
        """Quiet."""

    def address_string(self) -> str:
        return "unix"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        vendor = http.client.HTTPConnection("127.0.0.1", self.server.vendor)
        vendor.request(self.command, self.path, body, {**dict(self.headers), "x-api-key": KEY, "connection": "close"})
        answer = vendor.getresponse()
        data = answer.read()
        vendor.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = _pass


@contextmanager
def naive(socket: Path, vendor: int) -> Iterator[str]:
    """Listens at `socket` for the vendor on this port."""
    server = _Server(str(socket), _Handler)
    server.vendor = vendor
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield str(socket)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""git over HTTP with tokens, as far as these tests need it: git's own backend behind a small server."""

import base64
import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class HttpRemote:
    """A folder of repositories. `good` may do all, `reader` may not push, others are unknown."""

    folder: Path
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and token of every request."""
    before_push: Callable[[], object] | None = None
    """Called once, when the first request of a push arrives."""
    seen: list[str] = field(default_factory=list)
    """Command lines that held a token while a request was served."""

    def status(self, path: str, token: str) -> int:
        if path.startswith("/moved"):
            return 301
        if token not in ("good-token", "reader-token"):
            return 401
        return 403 if token == "reader-token" and "receive-pack" in path else 200


@contextlib.contextmanager
def served(folder: Path) -> Iterator[HttpRemote]:
    """Serve a folder of bare repositories on loopback."""
    remote = HttpRemote(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, remote)

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        remote.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield remote
        finally:
            server.shutdown()
            thread.join()


def answer(request: BaseHTTPRequestHandler, remote: HttpRemote) -> None:
    basic = request.headers.get("Authorization", "").removeprefix("Basic ")
    token = base64.b64decode(basic).decode().partition(":")[2]
    remote.requests.append((request.path, token))
    remote.seen += [line for line in command_lines() if "good-token" in line or (basic and basic in line)]
    body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
    status = remote.status(request.path, token)
    if status != 200:
        request.send_response(status)
        request.send_header("WWW-Authenticate", 'Basic realm="git"')
        request.send_header("Location", remote.url + request.path.removeprefix("/moved"))
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    if remote.before_push and "receive-pack" in request.path:
        remote.before_push()
        remote.before_push = None
    headers, _, content = backend(request, remote, body).partition(b"\r\n\r\n")
    request.send_response(200)
    for header in headers.decode().splitlines():
        name, _, value = header.partition(": ")
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def backend(request: BaseHTTPRequestHandler, remote: HttpRemote, body: bytes) -> bytes:
    path = urlsplit(request.path)
    env = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(remote.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "PATH_INFO": path.path,
        "QUERY_STRING": path.query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_USER": "app",
    }
    return subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=True).stdout


def command_lines() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")

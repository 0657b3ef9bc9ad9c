"""Git over HTTP: `git http-backend` as a CGI program behind the forge's own check of the token."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.demo.forge.git.bare import clean_environment
from bot.demo.forge.model import Repository, User
from bot.demo.forge.refusal import Refused, forbidden, not_found
from bot.demo.forge.rest.call import Caller
from bot.demo.forge.rest.gate import authenticate, may_do, may_see
from bot.demo.forge.rest.table import Needs
from bot.demo.forge.world import World

_READ = Needs(("contents",), "read", "read")
_WRITE = Needs(("contents",), "write", "write")
_SERVICES = ("git-upload-pack", "git-receive-pack")
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class SmartHttp:
    """Clone, fetch and push of the repositories of a world."""

    world: World
    jwt_clock: Callable[[], datetime]

    def routes(self) -> list[Route]:
        """The three paths of the smart protocol; the dumb one is not offered."""
        base = "/{owner}/{repo}.git"
        return [
            Route(f"{base}/info/refs", self._advertise, methods=["GET"]),
            Route(f"{base}/{{service}}", self._exchange, methods=["POST"]),
        ]

    async def _advertise(self, request: Request) -> Response:
        return await self._serve(request, request.query_params.get("service", ""), "info/refs")

    async def _exchange(self, request: Request) -> Response:
        service = request.path_params["service"]
        return await self._serve(request, service, service)

    async def _serve(self, request: Request, service: str, tail: str) -> Response:
        try:
            repo, caller = self._admit(request, service)
        except Refused as refused:
            headers = {"www-authenticate": 'Basic realm="GitHub"'} if refused.status == 401 else {}
            return PlainTextResponse(refused.message, refused.status, headers)
        user = caller.token.user if caller.token else None
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", stdin=PIPE, stdout=PIPE, env=_cgi(request, repo, user, tail)
        )
        feeding = asyncio.create_task(_feed(process, request))
        output = self._output(process, feeding, repo, user if service == _SERVICES[1] else None)
        try:
            status, headers = await _head(process)
        except BaseException:
            process.kill()
            raise
        return StreamingResponse(output, status, headers)

    def _admit(self, request: Request, service: str) -> tuple[Repository, Caller]:
        """Wrong credentials are 401 even for a public repository; a missing right to push is 403."""
        caller = authenticate(self.world, request.headers.get("authorization"), self.jwt_clock())
        request.scope["state"]["actor"] = caller.name
        if service not in _SERVICES or caller.app:
            raise not_found()
        repo = self.world.repo(f"{request.path_params['owner']}/{request.path_params['repo']}")
        writes = service == "git-receive-pack"
        if caller.token is None and (writes or repo.private):
            raise Refused(401, "Authentication required")
        if not may_see(caller, repo):
            raise not_found()
        if writes and repo.archived:
            raise forbidden("This repository was archived so it is read-only.")
        if caller.token and not may_do(caller, repo, _WRITE if writes else _READ):
            raise forbidden(f"Permission to {repo.full_name}.git denied to {caller.name}.")
        return repo, caller

    async def _output(
        self, process: Process, feeding: "asyncio.Task[None]", repo: Repository, pusher: User | None
    ) -> AsyncIterator[bytes]:
        """Stream the answer; before it ends, the world has noticed what was pushed."""
        stdout = process.stdout
        try:
            while stdout and (chunk := await stdout.read(_CHUNK)):
                yield chunk
            await process.wait()
        finally:
            feeding.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            if pusher:
                self.world.notice_refs(repo, pusher)


async def _feed(process: Process, request: Request) -> None:
    """Pass the request body on; http-backend may stop reading early."""
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(ConnectionError, ClientDisconnect):
        async for chunk in request.stream():
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()


async def _head(process: Process) -> tuple[int, dict[str, str]]:
    """The CGI header block."""
    status, headers = 200, dict[str, str]()
    while process.stdout and (line := (await process.stdout.readline()).decode("latin-1").strip()):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name.lower()] = value.strip()
    return (status if headers else 500), headers


def _cgi(request: Request, repo: Repository, user: User | None, tail: str) -> dict[str, str]:
    headers = {
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": user.login if user else "",
    }
    return {
        **clean_environment(),
        **{name: value for name, value in headers.items() if value},
        "GIT_PROJECT_ROOT": str(repo.git.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repo.git.path.name}/{tail}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "REMOTE_ADDR": "127.0.0.1",
    }

"""The gate in front of every REST handler: who asks, may they, how often, and has the answer changed."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.forge.hooks import Hooks
from bot.demo.forge.model import ROLES, Repository
from bot.demo.forge.refusal import Refused, forbidden, not_found
from bot.demo.forge.rest.call import NO_CONTENT, Answer, Call, Caller
from bot.demo.forge.rest.table import Needs, RouteRow
from bot.demo.forge.wire.site import Site
from bot.demo.forge.world import World
from bot.demo.forge.world.apps import allows

JWT_LIFE = timedelta(minutes=10)
_SKEW = timedelta(seconds=60)
_NEW_MODELS = "2026-03-10"
_DROPPED = ("merge_commit_sha", "assignee")


@dataclass(slots=True)
class Allowance:
    """The primary rate limit: so many requests an hour for each caller."""

    limit: int = 5000
    used: dict[str, int] = field(default_factory=dict)
    resets: dict[str, datetime] = field(default_factory=dict)

    def spend(self, key: str, now: datetime, count: int = 1) -> dict[str, str]:
        """Count requests and return the `x-ratelimit-*` headers."""
        if key not in self.resets or now >= self.resets[key]:
            self.resets[key], self.used[key] = now + timedelta(hours=1), 0
        self.used[key] += count
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used[key])),
            "x-ratelimit-used": str(self.used[key]),
            "x-ratelimit-reset": str(int(self.resets[key].timestamp())),
            "x-ratelimit-resource": "core",
        }


@dataclass(slots=True)
class Gate:
    """Turns rows of the route table into endpoints."""

    world: World
    site: Site
    hooks: Hooks
    jwt_clock: Callable[[], datetime]
    allowance: Allowance = field(default_factory=Allowance)

    def route(self, row: RouteRow) -> Route:
        """The Starlette route of a row."""

        async def endpoint(request: Request) -> Response:
            return await self._serve(row, request)

        return Route(f"/api/v3{row.path}", endpoint, methods=[row.method], name=f"{row.method} {row.path}")

    async def _serve(self, row: RouteRow, request: Request) -> Response:
        caller = Caller()
        try:
            caller = authenticate(self.world, request.headers.get("authorization"), self.jwt_clock())
            request.scope["state"]["actor"] = caller.name
            self._check_allowance(caller, request)
            call = await self._call(request, caller)
            if row.needs:
                check(self.world, call.caller, call.path, row.needs)
            answer = row.handler(call)
        except Refused as refused:
            answer = Answer(refused.body(), refused.status, refused.headers)
        return self._respond(request, caller, answer)

    def _check_allowance(self, caller: Caller, request: Request) -> None:
        left = self.allowance.spend(caller.key, self.world.now(), 0)["x-ratelimit-remaining"]
        if left == "0" and not request.url.path.endswith("/rate_limit"):
            raise Refused(403, "API rate limit exceeded.")

    async def _call(self, request: Request, caller: Caller) -> Call:
        raw = await request.body()
        try:
            body: Any = json.loads(raw) if raw else {}
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None
        return Call(
            world=self.world,
            site=self.site,
            hooks=self.hooks,
            caller=caller,
            path=dict(request.path_params),
            query=dict(request.query_params),
            body=body if isinstance(body, dict) else {"": body},
            accept=request.headers.get("accept", ""),
            url=f"{self.site.web}{request.url.path}",
        )

    def _respond(self, request: Request, caller: Caller, answer: Answer) -> Response:
        text = isinstance(answer.body, str)
        if request.headers.get("x-github-api-version") == _NEW_MODELS:
            _drop_old_fields(answer.body)
        content = b"" if answer.body is None else (answer.body if text else json.dumps(answer.body)).encode()
        headers = {"x-github-media-type": "github.v3; format=json", **answer.headers}
        status = answer.status
        if request.method == "GET" and status == 200:
            tag = f'"{hashlib.sha256(content).hexdigest()}"'
            headers["etag"], headers["cache-control"] = f"W/{tag}", "private, max-age=60, s-maxage=60"
            if tag in request.headers.get("if-none-match", ""):
                status, content = 304, b""
        free = status == 304 or request.url.path.endswith("/rate_limit")
        headers |= self.allowance.spend(caller.key, self.world.now(), 0 if free else 1)
        kind = "text/plain; charset=utf-8" if text else "application/json; charset=utf-8"
        empty = status in (304, NO_CONTENT)
        return Response(content, status, headers, media_type=None if empty else kind)


def authenticate(world: World, header: str | None, now: datetime) -> Caller:
    """Who a request comes from. 401 for anything that is not a known, living credential; never a guess.

    `now` is the time that JWTs are checked against: clients make them with the clock of their machine."""
    if not header:
        return Caller()
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        value = _password(value)
    elif scheme.lower() not in ("bearer", "token"):
        raise Refused(401, "Bad credentials")
    if value.count(".") == 2:
        return _app_of_jwt(world, value, now)
    token = world.tokens.get(value)
    if token is None or (token.expires_at and world.now() >= token.expires_at):
        raise Refused(401, "Bad credentials")
    if token.installation and token.installation.suspended_at:
        raise Refused(403, "This installation has been suspended")
    return Caller(token=token)


def _password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        raise Refused(401, "Bad credentials") from None


def _app_of_jwt(world: World, value: str, at: datetime) -> Caller:
    """Check signature, issuer and times; the expiry may be at most ten minutes ahead."""
    undecodable = Refused(401, "A JSON web token could not be decoded")
    try:
        claims = jwt.decode(value, options={"verify_signature": False})
        issuer = str(claims["iss"])
        app = next(one for one in world.apps.values() if issuer in (str(one.id), one.client_id))
        jwt.decode(value, app.public_key_pem, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        expires, issued = float(claims["exp"]), float(claims["iat"])
    except (jwt.PyJWTError, StopIteration, KeyError, TypeError, ValueError):
        raise undecodable from None
    now = at.timestamp()
    if expires <= now:
        raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if expires > now + JWT_LIFE.total_seconds() + _SKEW.total_seconds():
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
    if issued > now + _SKEW.total_seconds():
        raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing a time in the past")
    return Caller(app=app)


def check(world: World, caller: Caller, path: dict[str, str], needs: Needs) -> None:
    """404 for a repository the caller may not see, 403 (or 401 for nobody) for what they may not do there."""
    repo = world.repo(f"{path['owner']}/{path['repo']}")
    if not may_see(caller, repo):
        raise not_found()
    if repo.archived and needs.level == "write":
        raise forbidden("Repository was archived so is read-only.")
    if caller.app:
        raise Refused(401, "A JSON web token could not be used here; use an installation token")
    if caller.token is None:
        if needs.level == "write":
            raise Refused(401, "Requires authentication")
        return
    if not may_do(caller, repo, needs):
        raise forbidden() if caller.token.installation else forbidden("Must have more rights to this repository.")


def may_see(caller: Caller, repo: Repository) -> bool:
    """Public repositories are seen by all, private ones by members and installations."""
    if not repo.private:
        return True
    if caller.token is None:
        return False
    if caller.token.installation:
        return _covers(caller, repo)
    return repo.role_of(caller.token.user) != "none"


def may_do(caller: Caller, repo: Repository, needs: Needs) -> bool:
    """Does the caller hold the permission (installation) or role (person)?"""
    token = caller.token
    if token is None:
        return False
    if token.installation:
        public_read = needs.level == "read" and not repo.private
        granted = any(allows(token.permissions, scope, needs.level) for scope in needs.scopes)
        return granted and (_covers(caller, repo) or public_read)
    return ROLES.index(repo.role_of(token.user)) >= ROLES.index(needs.role)


def _covers(caller: Caller, repo: Repository) -> bool:
    token = caller.token
    if token is None or token.installation is None:
        return False
    return repo in token.installation.repositories and (token.repositories is None or repo in token.repositories)


def _drop_old_fields(body: Any) -> None:
    """API version 2026-03-10 has no `merge_commit_sha` and no `assignee` any more."""
    for row in body if isinstance(body, list) else [body]:
        if isinstance(row, dict):
            for name in _DROPPED:
                row.pop(name, None)

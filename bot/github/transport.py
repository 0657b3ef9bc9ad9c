"""One call to GitHub's API and its answer: who asks, redirects, expired tokens; githubkit does auth and HTTP."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import httpx

from bot.github.errors import UNTOLD_PAUSE, BadCredentials, NotInstalled, Problem, RateLimited, Unavailable, failure
from bot.github.limits import Clock
from bot.github.permissions import needed
from bot.github.tokens import Token, TokenCache, TokenGranted, TokenScope
from bot.task.ids import InstallationId

if TYPE_CHECKING:
    from githubkit import GitHub, Response

API_VERSION = "2022-11-28"
USER_AGENT = "issuewright"
TIMEOUT = httpx.Timeout(30, connect=10)
"""Seconds."""
CONCURRENT_CALLS = 20
"""GitHub allows 100 at once for everything that an App does."""
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 3
_BY_ID = re.compile(r"/repositories/(\d+)(?:/|$)")

By = InstallationId | Literal["app", "nobody"]
"""Who asks: an installation, the App itself, or nobody in particular (public facts)."""


@dataclass(frozen=True, slots=True)
class AppKey:
    """What proves to GitHub that we are the App: its id (or client id) and its private key in PEM."""

    app_id: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `verb` completes the sentence "GitHub refused to …"; `path` may also be a whole URL of this API."""

    verb: str
    by: By
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: object = field(default=None, repr=False)
    repo_id: int | None = None
    """The repository that the path names: a redirect to another one counts as gone."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call. `data` is the parsed JSON, None when there is none; `size` its bytes."""

    status: int
    headers: Mapping[str, str]
    data: Any = field(repr=False)
    size: int = 0

    @property
    def message(self) -> str:
        """What GitHub says about a refusal, with the messages of the single errors, on one line."""
        if not isinstance(self.data, dict):
            return "without a reason"
        errors = self.data.get("errors")
        told = [_error_text(error) for error in errors] if isinstance(errors, list) else []
        message = "; ".join([str(self.data.get("message") or "without a reason"), *filter(None, told)])
        return " ".join(message.split())


def _error_text(error: object) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or " ".join(str(error[key]) for key in ("field", "code") if key in error))
    return str(error)


class _Shared(httpx.AsyncBaseTransport):
    """A transport that outlives the clients that githubkit opens and closes for every call."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(request)


class Transport:
    """Sends calls. `base_url` is `https://api.github.com` or, for GitHub Enterprise Server, `https://host/api/v3`.

    Raises the errors of `bot.github.errors`; answers below 400 are returned, 304 among them.
    """

    def __init__(self, key: AppKey, base_url: str, clock: Clock, http: httpx.AsyncBaseTransport | None = None) -> None:
        self._key = key
        self._base = httpx.URL(base_url.rstrip("/"))
        self._clock = clock
        self._http = http
        self._tokens = TokenCache(clock)

    @property
    def web(self) -> httpx.URL:
        """Where this server has its pages and its git."""
        if self._base.path.endswith("/api/v3"):
            return httpx.URL(f"{self._base.scheme}://{self._base.netloc.decode()}")
        return httpx.URL(f"{self._base.scheme}://{self._base.netloc.decode().removeprefix('api.')}")

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def send(self, call: Call) -> Answer:
        if not isinstance(call.by, int):
            return self._judged(call, await self._exchange(call, None))
        scope = TokenScope(call.by, None if call.method == "GET" else call.repo_id)
        answer = await self._exchange(call, await self.token(scope))
        if answer.status == 401:
            self._tokens.drop(scope)
            answer = await self._exchange(call, await self.token(scope))
        return self._judged(call, answer)

    async def token(self, scope: TokenScope) -> Token:
        """A token that lasts five minutes at least. Raises NotInstalled when the installation is gone or suspended."""
        if (token := self._tokens.get(scope)) is not None:
            return token
        path = f"/app/installations/{scope.installation}/access_tokens"
        call = Call("give the App access to its installation", "app", "POST", path, body=scope.body())
        answer = await self._exchange(call, None)
        if answer.status == 404:
            raise NotInstalled(scope.installation, answer.message)
        if answer.status == 403 and "suspended" in answer.message:
            raise NotInstalled(scope.installation, answer.message)
        if answer.status == 422 and scope.repo_id is not None and "repository" in answer.message:
            answer = replace(answer, status=404)
        granted = TokenGranted.model_validate(self._judged(call, answer).data)
        return self._tokens.put(scope, Token(granted.token, granted.expires_at))

    def _judged(self, call: Call, answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        if answer.status == 401 and call.by == "app":
            raise BadCredentials(answer.message)
        if answer.status == 401 and call.by != "nobody":
            raise Unavailable(f"GitHub could not {call.verb}: it does not accept a new token yet; it is tried again")
        if answer.status == 403 and "installation has been suspended" in answer.message and isinstance(call.by, int):
            raise NotInstalled(call.by, answer.message)
        need = needed(call.method, call.path)
        raise failure(Problem(answer.status, answer.headers, answer.message, call.verb, need), self._clock())

    async def _exchange(self, call: Call, token: Token | None) -> Answer:
        """One answer, redirects followed with the same method (renamed repositories)."""
        for _ in range(_MOST_REDIRECTS):
            answer = await self._request(call, token)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or target is None:
                return answer
            url = self._base.join(target)
            moved_to = _BY_ID.search(url.path)
            if moved_to and call.repo_id is not None and int(moved_to[1]) != call.repo_id:
                return Answer(404, {}, {"message": "it was moved to another repository"})
            call = replace(call, path=str(url), params={} if url.query else call.params)
        raise Unavailable(f"GitHub could not {call.verb}: it redirected us in a circle; it is tried again")

    def _url(self, path: str) -> str:
        if path.startswith("/"):
            base = str(self._base)
            return base.removesuffix("/v3") + path if path == "/graphql" else base + path
        url = httpx.URL(path)
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise Unavailable(
                f"The API at {self._base.host} sends us to {url.host}; set the API URL to its own address"
            )
        return path

    async def _request(self, call: Call, token: Token | None) -> Answer:
        from githubkit.exception import RequestError, RequestFailed

        headers = {"X-GitHub-Api-Version": API_VERSION} | ({"If-None-Match": call.etag} if call.etag else {})
        try:
            response = await self._client(call, token).arequest(
                call.method, self._url(call.path), params=dict(call.params) or None, json=call.body, headers=headers
            )
        except RequestFailed as failed:
            return _answer(call, failed.response)
        except RequestError as failed:
            if isinstance(failed.exc, httpx.TransportError):
                what = str(failed.exc) or type(failed.exc).__name__
                raise Unavailable(f"GitHub could not {call.verb} ({what}); it is tried again") from failed.exc
            raise failed.exc from None
        except ValueError:  # githubkit reads Retry-After as seconds, and a proxy may have put a date there
            raise RateLimited(self._clock() + UNTOLD_PAUSE, f"Too many requests to {call.verb}") from None
        return _answer(call, response)

    def _client(self, call: Call, token: Token | None) -> "GitHub[Any]":
        from githubkit import TokenAuthStrategy, UnauthAuthStrategy

        if token is not None:
            return self._app.with_auth(TokenAuthStrategy(token.value))
        return self._app if call.by == "app" else self._app.with_auth(UnauthAuthStrategy())

    @cached_property
    def _app(self) -> "GitHub[Any]":
        """githubkit is imported late: it takes a quarter of a second and 50 MB."""
        from githubkit import AppAuthStrategy, GitHub
        from githubkit.cache.mem_cache import MemCacheStrategy
        from githubkit.throttling import LocalThrottler

        self._http = self._http or httpx.AsyncHTTPTransport(retries=1)
        return GitHub(
            AppAuthStrategy(self._key.app_id, self._key.private_key),
            base_url=str(self._base),
            user_agent=USER_AGENT,
            timeout=TIMEOUT,
            async_transport=_Shared(self._http),
            cache_strategy=MemCacheStrategy(),
            throttler=LocalThrottler(CONCURRENT_CALLS),
            http_cache=False,
            auto_retry=False,
            follow_redirects=False,
        )


def _answer(call: Call, response: "Response[Any]") -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status_code in (204, 304) or not response.content:
        return Answer(response.status_code, headers, None)
    try:
        return Answer(response.status_code, headers, response.json(), len(response.content))
    except ValueError:
        if response.status_code >= 300:
            return Answer(response.status_code, headers, None)
        raise Unavailable(f"GitHub could not {call.verb} (its answer is not JSON); it is tried again") from None

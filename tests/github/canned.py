"""A server of canned answers behind httpx's own test transport: for what a well-behaved forge never does."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.github.api import Patience
from bot.github.door import Door, Server, open_door
from bot.github.limits import WriteLimits
from bot.github.transport import AppKey
from bot.task.ids import BranchName, InstallationId, IssueNumber, IssueRef, RepoRef
from bot.task.observed import Repository

BASE = "https://github.example/api/v3"
REPO = RepoRef(77, "acme/widgets", InstallationId(9))
PLACE = Repository(REPO, BranchName("main"), "https://github.example/acme/widgets.git", True, False)
ISSUE = IssueRef(REPO, IssueNumber(3))
START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OWN_ID = 5001
Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


@cache
def private_key() -> str:
    """One RSA key for all tests: making one takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, kept = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, kept).decode()


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Canned:
    """Answers by method and path, in order; the last one for a path stays. Knows the App and its installation."""

    clock: ManualClock = field(default_factory=ManualClock)
    seen: list[httpx.Request] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.on("POST /app/installations/9/access_tokens", self._token)
        self.on("GET /app", httpx.Response(200, json={"id": 1234, "slug": "wright"}))
        self.on("GET /app/installations", httpx.Response(200, json=[{"id": 9, "suspended_at": None}]))
        bot = {"id": OWN_ID, "login": "wright[bot]", "type": "Bot"}
        self.on("GET /users/wright[bot]", httpx.Response(200, json=bot))

    def on(self, what: str, *answers: Answer) -> None:
        """Answer `GET /path` (below the API's root) with these, one after the other."""
        self.answers[what] = list(answers)

    def door(self, limits: WriteLimits | None = None) -> Door:
        server = Server(AppKey("1234", private_key()), b"sesame", BASE)
        http = httpx.MockTransport(self._answer)
        return open_door(server, self.clock, http, limits or WriteLimits(), Patience(tries=3, pause=0))

    def calls(self, what: str) -> list[httpx.Request]:
        return [request for request in self.seen if _named(request) == what]

    def body(self, what: str) -> dict[str, object]:
        """The JSON of the latest such request."""
        read: dict[str, object] = json.loads(self.calls(what)[-1].content)
        return read

    def _token(self, _request: httpx.Request) -> httpx.Response:
        self.tokens += 1
        ends = (self.clock.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return httpx.Response(201, json={"token": f"ghs_{self.tokens}", "expires_at": ends})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answers = self.answers.get(_named(request))
        if answers is None:
            return httpx.Response(404, json={"message": "Not Found"})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


def _named(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path.removeprefix('/api/v3')}"


def comment(number: int, body: str, author: int = OWN_ID, issue: int = 3) -> dict[str, object]:
    """A comment as GitHub gives it, cut to what matters and one thing that does not."""
    return {
        "id": number,
        "node_id": "IC_x",
        "html_url": f"https://github.example/acme/widgets/issues/{issue}#issuecomment-{number}",
        "issue_url": f"{BASE}/repos/acme/widgets/issues/{issue}",
        "body": body,
        "user": {"id": author, "login": "someone", "type": "User"},
        "created_at": "2026-05-04T11:00:00Z",
        "updated_at": "2026-05-04T11:00:00Z",
    }

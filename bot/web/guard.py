"""Who may look: the machine itself, whoever has the operator's token, and for one task whoever has a signed link."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.task.ids import TaskId
from bot.web.links import is_genuine, is_over

COOKIE = "issuewright_operator"
_COOKIE_PURPOSE = b"issuewright operator cookie 1"
_COOKIE_SECONDS = 30 * 24 * 3600
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""Any of these says that a proxy stands between: then everybody seems to come from this machine."""
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_HOW = (
    "Open it on the server itself as http://localhost, or give the operator token (ISSUEWRIGHT_OPERATOR_TOKEN) as"
    " `Authorization: Bearer …` or once as `?token=…`."
)
STRANGER = f"This page is for the operator. {_HOW}"
WRONG_TOKEN = "This is not the operator token (ISSUEWRIGHT_OPERATOR_TOKEN)."  # noqa: S105 (a sentence)
NO_TOKEN = "No operator token is set: set ISSUEWRIGHT_OPERATOR_TOKEN and start the server again."  # noqa: S105
FALSE_LINK = f"This link is not genuine. {_HOW}"
OLD_LINK = f"This link has expired. {_HOW}"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not admitted, and why, in a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides on a request. Every comparison with a secret takes the same time, right or wrong."""

    secret: bytes
    """Serves a key of its own for links."""
    operator_token: str | None
    public_url: str | None
    clock: Callable[[], datetime]

    def look(self, request: Request, task: TaskId | None = None) -> Response | Refused | None:
        """None: admitted. A response: first go there. `task`: a signed link of this task will do as well."""
        if "token" in request.query_params:
            return self._sign_in(request)
        if self._is_operator(request) or is_local(request):
            return None
        if task is not None and "sig" in request.query_params:
            return self._follow_link(request, task)
        if not self.operator_token:
            return Refused(f"{STRANGER} {NO_TOKEN}")
        return Refused(STRANGER)

    def _is_operator(self, request: Request) -> bool:
        if not self.operator_token:
            return False
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self.operator_token):
            return True
        return _same(request.cookies.get(COOKIE, ""), self._cookie(self.operator_token))

    def _sign_in(self, request: Request) -> Response | Refused:
        """The token goes from the address into a cookie, so that it stays in no history."""
        if not self.operator_token:
            return Refused(NO_TOKEN)
        if not _same(request.query_params["token"], self.operator_token):
            return Refused(WRONG_TOKEN)
        rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "token"])
        path = request.url.path
        response = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
        response.set_cookie(
            COOKIE,
            self._cookie(self.operator_token),
            max_age=_COOKIE_SECONDS,
            secure=self._is_public_https(request),
            httponly=True,
            samesite="strict",
        )
        return response

    @staticmethod
    def _cookie(token: str) -> str:
        """Derived, so that the browser does not keep the token itself; a new token voids it."""
        return hmac.digest(token.encode(), _COOKIE_PURPOSE, "sha256").hex()

    def _is_public_https(self, request: Request) -> bool:
        public = urlsplit(self.public_url or "")
        return public.scheme == "https" and public.hostname == host_of(request)

    def _follow_link(self, request: Request, task: TaskId) -> Refused | None:
        expires = request.query_params.get("expires", "")
        if not is_genuine(self.secret, task, expires, request.query_params["sig"]):
            return Refused(FALSE_LINK)
        return Refused(OLD_LINK) if is_over(expires, self.clock()) else None


def is_local(request: Request) -> bool:
    """Does somebody on this machine ask for this machine by name?

    The name matters: a web page elsewhere may point a name of its own to 127.0.0.1 (DNS rebinding), and a tunnel that
    adds no header brings the public name along. Both must show the token.
    """
    if any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback(request.client.host if request.client else "") and host_of(request) in LOCAL_NAMES


def host_of(request: Request) -> str:
    """The host that was asked for, without port and brackets."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(client: str) -> bool:
    try:
        address = ip_address(client)
    except ValueError:
        return False
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_loopback


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())

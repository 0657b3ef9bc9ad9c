"""Who may set up: whoever brings the one-time token, and from then on that one browser."""

import hmac
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.web.guard import LOCAL_NAMES, Refused, host_of

COOKIE = "issuewright_setup"
_SECONDS = 24 * 3600

STRANGER = "This page is for whoever started the server: open the address that its log shows."
USED = (
    "This address is not valid, or it was opened before: it lets one browser in, once. Start the server again for a "
    "new one."
)
FOREIGN_HOST = (
    "The server is not known by this name. Open it as localhost, by its IP address, or by the name in "
    "ISSUEWRIGHT_PUBLIC_URL."
)
FOREIGN_ORIGIN = "This form was sent from another page."


class Entry:
    """Every comparison with a secret takes the same time, right or wrong."""

    def __init__(self, public_url: str | None) -> None:
        self.token: str | None = secrets.token_urlsafe(32)
        """For the address in the log; None once it was used."""
        self._session: str | None = None
        self._public = urlsplit(public_url or "")

    def look(self, request: Request) -> Response | Refused | None:
        """None: admitted. A response: first go there. Being on this machine is no admission.

        A web page elsewhere may let a browser on this machine post here, or point a name of its own to 127.0.0.1.
        It has neither the cookie, which it cannot read and which belongs to our name, nor our origin.
        """
        if not self._is_our_name(request):
            return Refused(FOREIGN_HOST)
        if "token" in request.query_params:
            return self._sign_in(request)
        if self._session is None or not _same(request.cookies.get(COOKIE, ""), self._session):
            return Refused(STRANGER)
        if request.method not in ("GET", "HEAD") and request.headers.get("origin") != self.origin(request):
            return Refused(FOREIGN_ORIGIN)
        return None

    def origin(self, request: Request) -> str:
        """Where the browser that asks sees this server; with TLS in front, only the public address tells."""
        if self._public.hostname == host_of(request):
            return f"{self._public.scheme}://{self._public.netloc}"
        return f"http://{request.headers['host']}"

    def close(self) -> None:
        """The token admits nobody any more."""
        self.token = None

    def _is_our_name(self, request: Request) -> bool:
        name = host_of(request)
        if name in LOCAL_NAMES or (name and name == self._public.hostname):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _sign_in(self, request: Request) -> Response | Refused:
        """The token goes from the address into a cookie of another value, and is worth nothing from then on."""
        if request.method != "GET" or self.token is None:
            return Refused(USED)
        if not _same(request.query_params["token"], self.token):
            return Refused(USED)
        self.close()
        self._session = secrets.token_urlsafe(32)
        response = RedirectResponse("/setup", status_code=303)
        response.set_cookie(
            COOKIE,
            self._session,
            max_age=_SECONDS,
            secure=self.origin(request).startswith("https:"),
            httponly=True,
            samesite="lax",  # strict would not come along when GitHub sends the browser back
        )
        return response


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())

"""The first face of a server: the set-up page and little else, until there is an App; then the bot's own face."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.github.manifest import Wish
from bot.github.site import Site
from bot.web.asgi import ASGIApp, Receive, Scope, Send, refusal
from bot.web.guard import Refused
from bot.web.rendering import HEADERS, Rendering
from bot.web.setup.choice import Choice, Form, blank, choose, read
from bot.web.setup.entry import Entry
from bot.web.setup.registering import Asking, Lost, Registered, Registering, Stale, Unsaved, Untold
from bot.web.webhooks import PATH

HOME = "/setup"
BACK = f"{HOME}/github"
"""Where GitHub sends the browser back to."""
NOT_YET = "This server is not set up yet: open the address that its log shows."
STARTING = "This server has an App, and the bot is not up yet: its log may say why."
NOT_SET_UP = refusal(503, "This server is not set up yet; send the delivery again later.", (b"retry-after", b"60"))
RENEW_SECONDS = 4
"""How often the page looks whether the App was installed."""
MOST_REPOSITORIES = 20
"""So many are named on the page."""
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {}"


class Found(Protocol):
    """One thing that the doctor looked at."""

    @property
    def level(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def mend(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reached:
    """A repository within the App's reach; `labelled`: our labels are there."""

    full_name: str
    labelled: bool


@dataclass(slots=True)
class SetUp:
    """`findings` examines this machine; `fixed` is the site when the settings name one."""

    entry: Entry
    registering: Registering
    rendering: Rendering
    findings: Callable[[], Awaitable[Sequence[Found]]]
    public_url: str | None
    site: Site
    fixed: bool
    sweep_seconds: float
    face: ASGIApp | None = None
    """The bot's own face, once it is up: everything but the set-up page is its."""
    reached: Callable[[], Awaitable[Sequence[Reached] | str]] | None = None
    """The repositories of the App's installations, or why they cannot be told."""
    held_up: str = ""
    """Why the bot cannot start, though there is an App."""
    _pages: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self._pages = self._routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if self.face is not None and path != HOME and not path.startswith(f"{HOME}/"):
            await self.face(scope, receive, send)
        elif path == PATH:
            await NOT_SET_UP.send(send)
        else:
            await self._pages(scope, receive, send)

    # ── open to all ──

    async def healthz(self, _request: Request) -> Response:
        """The process lives."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """No work can be sent here."""
        reason = NOT_YET if isinstance(self.registering.phase, Asking) else STARTING
        return JSONResponse({"ready": False, "reason": reason}, 503)

    async def style(self, _request: Request) -> Response:
        """The style sheet."""
        return self.rendering.style()

    # ── for whoever set out to set up ──

    async def home(self, request: Request) -> Response:
        """What is to be done next."""
        if (away := self._turn_away(request)) is not None:
            return away
        match self.registering.phase:
            case Asking():
                return await self._ask(blank(self.site))
            case Unsaved(app, why):
                return self._page("setup/unsaved.html", slug=app.slug, why=why)
            case Registered():
                return await self._welcome()

    async def wish(self, request: Request) -> Response:
        """The form came: show what will be asked of GitHub, with the button that goes there."""
        if (away := self._turn_away(request)) is not None:
            return away
        if not isinstance(self.registering.phase, Asking):
            return _to(HOME)
        form = read(await request.form())
        choice = choose(form, self.site if self.fixed else None)
        if not isinstance(choice, Choice):
            return await self._ask(form, choice, 422)
        state = await self.registering.begin(choice)
        if isinstance(state, OSError):
            return self._page("setup/unwritable.html", 507, why=state.strerror or str(state))
        return self._confirm(request, choice, state)

    def _confirm(self, request: Request, choice: Choice, state: str) -> Response:
        public = self.public_url.rstrip("/") if self.public_url else None
        wish = Wish(
            site=choice.site,
            organization=choice.organization,
            name=choice.name,
            redirect_url=f"{self.entry.origin(request)}{BACK}",
            home=public or choice.site.html,
            webhook_url=f"{public}{PATH}" if public else None,
        )
        return self._page("setup/confirm.html", form_action=choice.site.html, wish=wish, state=state)

    async def back(self, request: Request) -> Response:
        """GitHub sent the browser back, with a code for the credentials."""
        if (away := self._turn_away(request)) is not None:
            return away
        code, state = (request.query_params.get(name, "") for name in ("code", "state"))
        if not code or not state:
            return self._page("setup/stale.html", 400)
        match await self.registering.finish(state, code):
            case Registered() | Unsaved():
                self.entry.close()
                return _to(HOME)
            case Stale():
                return self._page("setup/stale.html", 400)
            case Lost(site):
                return self._page("setup/lost.html", 409, site=site)
            case Untold(site, why):
                return self._page("setup/untold.html", 502, site=site, why=why)

    async def keep(self, request: Request) -> Response:
        """Try again to write the credentials."""
        if (away := self._turn_away(request)) is not None:
            return away
        await self.registering.keep()
        return _to(HOME)

    async def elsewhere(self, request: Request, _error: Exception) -> Response:
        """Every other address: for a browser that is let in, the way home."""
        if (away := self._turn_away(request)) is not None:
            return away
        return _to(HOME) if request.method == "GET" else PlainTextResponse("", 404, HEADERS)

    # ── pages ──

    async def _ask(self, form: Form, wrong: dict[str, str] | None = None, status: int = 200) -> Response:
        found = [one for one in await self.findings() if one.level != "ok"]
        return self._page(
            "setup/ask.html",
            status,
            found=found,
            form=form,
            wrong=wrong or {},
            fixed=self.fixed,
            public_url=self.public_url,
            sweep=self.sweep_seconds,
        )

    async def _welcome(self) -> Response:
        app = self.registering.phase
        assert isinstance(app, Registered)  # noqa: S101 (told by the caller)
        told = None if self.reached is None else await self.reached()
        rows = told if told is not None and not isinstance(told, str) else ()
        ready = bool(rows) and all(row.labelled for row in rows)
        return self._page(
            "setup/registered.html",
            app=app.app,
            up=self.face is not None,
            held_up=self.held_up,
            rows=rows,
            trouble=told if isinstance(told, str) else "",
            ready=ready,
            most=MOST_REPOSITORIES,
            renew=None if ready else RENEW_SECONDS,
        )

    def _page(self, template: str, status: int = 200, form_action: str = "'self'", **values: object) -> Response:
        page = self.rendering.page(template, status, **{"renew": None, **values})
        page.headers["content-security-policy"] = _POLICY.format(form_action)
        page.headers["referrer-policy"] = "same-origin"  # with no-referrer, a form's origin would be `null`
        return page

    def _turn_away(self, request: Request) -> Response | None:
        looked = self.entry.look(request)
        if not isinstance(looked, Refused):
            return looked
        if "text/html" in request.headers.get("accept", ""):
            return self.rendering.page("said.html", 403, sentence=looked.sentence, renew=None)
        return PlainTextResponse(f"{looked.sentence}\n", 403, HEADERS)

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/static/style.css", self.style),
                Route(HOME, self.home),
                Route(f"{HOME}/app", self.wish, methods=["POST"]),
                Route(BACK, self.back),
                Route(f"{HOME}/keep", self.keep, methods=["POST"]),
            ],
            exception_handlers={HTTPException: self.elsewhere},
        )


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, HEADERS)

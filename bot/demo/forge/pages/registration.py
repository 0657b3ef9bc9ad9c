"""Registering an app from a manifest, and installing it: the pages on which GitHub asks its owner."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.demo.forge.model import App, User
from bot.demo.forge.pages.views import AS_COOKIE, HEADERS
from bot.demo.forge.refusal import Refused, forbidden, not_found
from bot.demo.forge.wire.site import Site
from bot.demo.forge.world import World

_WEB = r"^https?://[^/\s;,]+"


class _Hook(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str = Field(pattern=_WEB)
    active: bool = True


class Manifest(BaseModel):
    """What an app wants to be, as far as the forge takes it; an unknown key is refused, to be on the safe side."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="", max_length=34)
    url: str = Field(pattern=_WEB)
    hook_attributes: _Hook | None = None
    redirect_url: str = Field(pattern=_WEB)
    public: bool = False
    default_permissions: dict[str, str] = {}
    default_events: list[str] = []


@dataclass(slots=True)
class Registration:
    """There is no login: each form says who acts, as everywhere on the forge."""

    world: World
    site: Site
    templates: Environment

    def routes(self) -> list[Route]:
        """Paths as on GitHub; the manifest comes by POST from the page of whoever wants an app."""
        pages: list[tuple[str, str, Callable[[Request, FormData], Response]]] = [
            ("POST", "/settings/apps/new", self._ask),
            ("POST", "/organizations/{org}/settings/apps/new", self._ask),
            ("POST", "/settings/apps", self._create),
            ("GET", "/apps/{slug}/installations/new", self._choose),
            ("POST", "/apps/{slug}/installations", self._install),
        ]
        return [Route(path, _guarded(show), methods=[method]) for method, path, show in pages]

    def _ask(self, request: Request, form: FormData) -> Response:
        """The one page that other sites may post to: nothing is made before its button is pressed."""
        return self._asked(request, str(form.get("manifest", "")), request.path_params.get("org", ""), "")

    def _asked(self, request: Request, text: str, org: str, wrong: str) -> Response:
        manifest = _parsed(text)
        if org and self.world.user(org).type != "Organization":
            raise not_found()
        state = request.query_params.get("state", "")
        back = "{0.scheme}://{0.netloc}".format(urlsplit(manifest.redirect_url))
        return self._page(
            request, "app_new.html", manifest=manifest, text=text, org=org, state=state, wrong=wrong, back=back
        )

    def _create(self, request: Request, form: FormData) -> Response:
        """Make the app and go back to where it was wanted, with a code for its credentials."""
        self._check_origin(request)
        text, org = str(form.get("manifest", "")), str(form.get("org", ""))
        manifest = _parsed(text)
        name = str(form.get("name", "")).strip()
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if not slug or any(app.slug == slug for app in self.world.apps.values()):
            return self._asked(request, text, org, "Name is already taken" if slug else "Name can't be blank")
        hook = manifest.hook_attributes
        active = hook is not None and hook.active
        app = self.world.create_app(
            slug,
            name,
            permissions=manifest.default_permissions,
            events=manifest.default_events,
            webhook_url=hook.url if hook and active else None,
            webhook_secret=secrets.token_hex(20) if active else "",
            owner=org or str(form.get("by", "")),
        )
        query = urlencode({"code": self.world.offer_credentials(app), "state": request.query_params.get("state", "")})
        return RedirectResponse(f"{manifest.redirect_url}?{query}", 303)

    def _choose(self, request: Request, _form: FormData) -> Response:
        app = self._app(request)
        repos = [repo for repo in self.world.repos.values() if repo.owner is app.owner]
        return self._page(request, "app_install.html", app=app, repos=repos)

    def _install(self, request: Request, form: FormData) -> Response:
        self._check_origin(request)
        app = self._app(request)
        chosen = [str(name) for name in form.getlist("repo")]
        if not chosen or any(self.world.repo(name).owner is not app.owner for name in chosen):
            raise Refused(422, f"Choose repositories of {app.owner.login}: the app is for its owner alone.")
        self.world.install_app(app, chosen, by=self._person(form))
        return self._page(request, "app_install.html", app=app, repos=[])

    def _app(self, request: Request) -> App:
        return self.world.app_by_slug(request.path_params["slug"])

    def _person(self, form: FormData) -> User:
        return self.world.user(str(form.get("by", "")))

    def _check_origin(self, request: Request) -> None:
        if request.headers.get("origin", "").replace("//localhost", "//127.0.0.1") != self.site.web:
            raise forbidden("This form was sent from another site.")

    def _page(self, request: Request, template: str, back: str = "", **context: Any) -> Response:
        people = [user for user in self.world.users.values() if user.type == "User"]
        text = self.templates.get_template(template).render(
            people=people, acting=request.cookies.get(AS_COOKIE, ""), live=False, here=request.url.path, **context
        )
        policy = HEADERS["content-security-policy"].replace("form-action 'self'", f"form-action 'self' {back}".strip())
        return HTMLResponse(text, headers={**HEADERS, "content-security-policy": policy})


def _parsed(text: str) -> Manifest:
    try:
        return Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Refused(422, f"Invalid GitHub App configuration: {told}") from None
    except ValueError:
        raise Refused(422, "Invalid GitHub App configuration: the manifest is not JSON") from None


def _guarded(show: Callable[[Request, FormData], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return show(request, await request.form())
        except Refused as refused:
            return PlainTextResponse(refused.message, refused.status)

    return endpoint

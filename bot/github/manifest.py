"""Registering the App from a manifest: what GitHub is asked for, and the credentials that it answers with.

Source: https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from bot.github.credentials import Credentials
from bot.github.permissions import EVENTS, PERMISSIONS
from bot.github.site import Site
from bot.github.transport import API_VERSION, TIMEOUT, USER_AGENT

NOWHERE = "https://example.com/webhooks/github"
"""GitHub wants an address also for a webhook that is switched off."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The App that somebody wants: its owner (None: who is signed in on GitHub), its name, and where this server is.

    `home` is any page that says what the App is for; without a `webhook_url` the webhook is switched off.
    """

    site: Site
    organization: str | None
    name: str
    redirect_url: str
    home: str
    webhook_url: str | None

    def address(self, state: str) -> str:
        """Where the browser posts the manifest; GitHub brings `state` back."""
        owner = f"/organizations/{quote(self.organization, safe='')}" if self.organization else ""
        return f"{self.site.html}{owner}/settings/apps/new?{urlencode({'state': state})}"

    def manifest(self) -> dict[str, object]:
        """What app.yml says, for this server."""
        return {
            "name": self.name,
            "url": self.home,
            "public": False,
            "redirect_url": self.redirect_url,
            "hook_attributes": {"url": self.webhook_url or NOWHERE, "active": self.webhook_url is not None},
            "default_permissions": dict(PERMISSIONS),
            "default_events": sorted(EVENTS),
        }


@dataclass(frozen=True, slots=True)
class Spent:
    """The code is used up, older than an hour, or was never GitHub's. The App may exist; its key is out of reach."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """GitHub gave no answer of use; the code may be good for another try. `why` completes "… ({why})"."""

    why: str


class _Converted(BaseModel):
    """GitHub's answer; its client secret is for signing in people, which the bot does not."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    id: int
    slug: str
    pem: SecretStr
    webhook_secret: SecretStr | None = None


async def convert(
    site: Site, code: str, http: httpx.AsyncBaseTransport | None = None
) -> Credentials | Spent | Unreached:
    """Trade the code for the App's credentials. GitHub does that once for each code."""
    url = f"{site.api}/app-manifests/{quote(code, safe='')}/conversions"
    headers = {"accept": "application/vnd.github+json", "x-github-api-version": API_VERSION, "user-agent": USER_AGENT}
    try:
        async with httpx.AsyncClient(
            transport=http or httpx.AsyncHTTPTransport(retries=1), timeout=TIMEOUT, follow_redirects=False
        ) as client:
            answer = await client.post(url, headers=headers)
    except httpx.HTTPError as error:
        return Unreached(type(error).__name__)
    if answer.status_code in (404, 410, 422):
        return Spent()
    if answer.status_code != 201:
        return Unreached(f"HTTP {answer.status_code}")
    return _credentials(site, answer.content)


def _credentials(site: Site, content: bytes) -> Credentials | Unreached:
    try:
        told = _Converted.model_validate_json(content)
        secret = told.webhook_secret.get_secret_value() if told.webhook_secret else ""
        return Credentials(
            app_id=str(told.id),
            slug=told.slug,
            api_url=site.api,
            html_url=site.html,
            private_key=told.pem,
            # an App without a webhook gets no secret, and our own marks are signed with it all the same
            webhook_secret=SecretStr(secret or secrets.token_hex(32)),
        )
    except ValidationError:
        return Unreached("its answer is not that of GitHub's API")

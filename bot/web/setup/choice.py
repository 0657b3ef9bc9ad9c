"""What a person chose on the set-up page: where the App is registered, whose it is, and its name."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bot.github.site import Site, site_of

LONGEST_NAME = 34
"""GitHub's bound for the name of an App."""
_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as they were typed."""

    owner: str
    """`person` or `organization`."""
    organization: str
    host: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A form that makes sense. `organization` is None for the account of whoever is signed in on GitHub."""

    site: Site
    organization: str | None
    name: str


def blank(site: Site) -> Form:
    """What the page offers at first. Names of Apps are unique on GitHub, so ours has a random end."""
    return Form("person", "", site.host, f"issuewright-{secrets.token_hex(2)}")


def read(fields: Mapping[str, object]) -> Form:
    """The fields of a posted form; one that is missing is empty."""

    def text(name: str) -> str:
        return str(fields.get(name, "")).strip()

    return Form(text("owner"), text("organization"), text("host"), text("name"))


def choose(form: Form, fixed: Site | None) -> Choice | dict[str, str]:
    """The choice, or what is wrong with which field. `fixed`: the settings name the site."""
    wrong: dict[str, str] = {}
    site = fixed or site_of(form.host)
    if site is None:
        wrong["host"] = "This is no host name: github.com, or that of your GitHub Enterprise Server."
    organization = form.organization if form.owner == "organization" else None
    if form.owner not in ("person", "organization"):
        wrong["owner"] = "Choose one of the two."
    if organization is not None and not _ORGANIZATION.fullmatch(organization):
        wrong["organization"] = "Give the name of the organization as it stands in its address on GitHub."
    if not 0 < len(form.name) <= LONGEST_NAME or not form.name.isprintable():
        wrong["name"] = f"A name has 1 to {LONGEST_NAME} characters."
    if wrong or site is None:
        return wrong
    return Choice(site, organization, form.name)

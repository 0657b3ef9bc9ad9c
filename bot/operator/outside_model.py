"""The keys of `issuewright.toml` about what sandboxes may reach outside: models, registries, secrets."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.sandbox.egress.values import WireName

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$", max_length=500)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Dollars = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceSection(_Section):
    """US dollars for a million tokens."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    """Input that is read from a cache; as input when it is not said."""
    written: Dollars | None = None
    """Input that is written into a cache; as input when it is not said."""
    dated: str = ""
    """When you looked it up: `2026-11-21`."""


class SecretSection(_Section):
    """Where a secret is found: one of the two."""

    env: EnvName | None = None
    """A variable of the bot's environment."""
    file: str | None = None
    """A file, whose end of line does not count."""


class ModelSection(_Section):
    """`[models.NAME]`: a model that agents may call. The key never enters a sandbox."""

    wire: WireName
    """The vendor's protocol."""
    url: Url
    """Its base URL; `/v1` (`/v1beta` for gemini) is added unless it ends in a version."""
    key_env: EnvName | None = None
    """Variable of the bot's environment that holds the key."""
    key_file: str | None = None
    """Or a file that holds it."""
    models: tuple[str, ...] = ()
    """The models that agents may ask for; without it all that the key may use."""
    max_output: int | None = Field(default=None, ge=1)
    """Most tokens of one answer."""
    price: PriceSection | None = None
    """Without it, money is unknown and no limit in money can be kept."""
    prices: dict[str, PriceSection] = Field(default_factory=dict)
    """By model, instead of `price`."""
    allow: tuple[str, ...] = ()
    """What the vendor may do beyond answering."""
    proxy: Url | None = None
    """HTTP proxy to the vendor. Those of the bot's environment are not used."""


class RegistrySection(_Section):
    """`[registries.NAME]`: packages that the set-up may fetch, by GET alone."""

    url: Url
    also: tuple[Url, ...] = ()
    """Further addresses that its index pages refer to: where the files are."""
    env: dict[EnvName, str] = Field(default_factory=dict)
    """Variables for the set-up; `{url}` stands for the registry as it is reached inside."""


class NamedSecretSection(SecretSection):
    """`[secrets.NAME]`: a secret for the set-up and the checks of some repositories, never for agents."""

    repositories: tuple[str, ...] = ()
    """Which repositories may ask for it, `owner/name`; none: no one."""

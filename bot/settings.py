"""The operator's settings, from the environment (`ISSUEWRIGHT_…`). The only place that reads it.

When the environment names no App, the one that the set-up page registered is taken from the data folder.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.github import credentials
from bot.github.site import Site, site_of_api

PREFIX = "ISSUEWRIGHT_"


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one sentence that names it."""


class Settings(BaseSettings):
    """One process's settings. Secrets are never shown."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    github_app_id: str = ""
    """The App's id (or client id), from its settings page."""
    github_private_key: SecretStr = SecretStr("")
    """The App's private key in PEM; `\\n` may stand for line ends."""
    github_private_key_file: Path | None = None
    """Or a file that holds it."""
    github_webhook_secret: SecretStr = SecretStr("")
    """The webhook secret of the App."""
    github_api_url: str = "https://api.github.com"
    """`https://HOST/api/v3` for GitHub Enterprise Server."""
    database_url: str = "sqlite:///issuewright.db"
    """`sqlite:///FILE` (a relative file lies in the data folder), or `postgresql://USER:PASSWORD@HOST/NAME`."""
    data_dir: Path = Path("~/.local/share/issuewright")
    """Database, mirrors and worktrees. It is made when missing, for its owner alone."""
    config: Path | None = None
    """The operator's file, `issuewright.toml`; else it is looked for in the data folder."""
    public_url: str | None = None
    """Where browsers find this server, if they do."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    agent: str = "scripted"
    """The agent of new tasks, by name."""
    agent_command: str = ""
    """Command line of your agent, read without a shell; it is called by the name in `agent`."""
    agent_protocol: Literal["acp", "command"] = "acp"
    """How that command is driven: `acp` speaks the Agent Client Protocol on stdin and stdout. `command` reads its
    prompt on stdin (and in the file named by $ISSUEWRIGHT_PROMPT_FILE), changes files, and exits with 0."""
    agent_script: Path | None = None
    """What the scripted demo agent replays."""
    max_parallel: int = Field(default=3, ge=1, le=256)
    """How many runs may go at once, over all processes that share a database."""
    max_parallel_here: int = Field(default=0, ge=0, le=256)
    """How many steps of runs this process performs at once; 0: as many as there may be runs."""
    lease_seconds: float = Field(default=30, ge=2, le=3600)
    """On PostgreSQL: a worker without a heartbeat for so long is dead, and others take over."""
    sandbox: Literal["auto", "external", "none"] = "auto"
    """`external`: the container or VM around this server is the boundary. `none`: there is none, and you accept it."""
    onboarding: bool = True
    """Offer `.github/issuewright.yml` in a pull request, once, to a repository without it."""
    operator_token: SecretStr = SecretStr("")
    """Opens the pages to browsers that are not on this machine."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    feedback_quiet_seconds: float = Field(default=60, ge=0, le=3600)
    """How long loose comments are gathered before they start a run."""
    sweep_seconds: float = Field(default=120, ge=1, le=86400)
    """How often GitHub is looked through for what no webhook told."""

    _unusable: str = PrivateAttr("")
    """Why the App in the data folder is not used, when nothing else names one."""

    @field_validator("data_dir", "config", "github_private_key_file", "agent_script")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("github_api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError("must begin with https://")
        return url.rstrip("/")

    def private_key(self) -> str:
        """The App's key in PEM. Raises SettingsError when it is missing or no key."""
        self._raise_unusable()
        key = self.github_private_key.get_secret_value().replace("\\n", "\n")
        if not key and self.github_private_key_file is not None:
            try:
                key = self.github_private_key_file.read_text()
            except OSError as error:
                raise SettingsError(f"{PREFIX}GITHUB_PRIVATE_KEY_FILE cannot be read: {error.strerror}.") from error
            except UnicodeDecodeError:
                raise SettingsError(f"{PREFIX}GITHUB_PRIVATE_KEY_FILE is no text: PEM is wanted, not DER.") from None
        if not key:
            raise SettingsError(
                f"{PREFIX}GITHUB_PRIVATE_KEY (or …_FILE) is missing: the private key of your GitHub App, in PEM."
            )
        from jwt.algorithms import RSAAlgorithm  # cryptography takes its time to import
        from jwt.exceptions import InvalidKeyError

        try:
            RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(key)
        except (InvalidKeyError, ValueError):
            raise SettingsError(f"{PREFIX}GITHUB_PRIVATE_KEY is no RSA private key in PEM.") from None
        return key

    def app_id(self) -> str:
        """Raises SettingsError when it is missing."""
        self._raise_unusable()
        if not self.github_app_id:
            raise SettingsError(f"{PREFIX}GITHUB_APP_ID is missing: the id on the settings page of your GitHub App.")
        return self.github_app_id

    def webhook_secret(self) -> bytes:
        """Raises SettingsError when it is missing."""
        self._raise_unusable()
        secret = self.github_webhook_secret.get_secret_value()
        if not secret:
            raise SettingsError(f"{PREFIX}GITHUB_WEBHOOK_SECRET is missing: the webhook secret of your GitHub App.")
        return secret.encode()

    def site(self) -> Site:
        """The GitHub that we talk to."""
        return site_of_api(self.github_api_url)

    def secrets(self) -> tuple[str, ...]:
        """Values that are never shown to anybody."""
        shown = (self.github_webhook_secret, self.operator_token)
        return (*(secret.get_secret_value() for secret in shown), self.private_key())

    def html_url(self) -> str:
        """Where people see GitHub, from the API's address."""
        return self.site().html

    @property
    def unusable(self) -> str:
        """Why the App in the data folder is not used, when nothing else names one; else empty."""
        return self._unusable

    def names_nothing(self) -> bool:
        """Is there nothing at all about an App?"""
        return not any(self._app_parts().values())

    def names_no_app(self) -> bool:
        """Is there nothing at all about an App? Raises SettingsError when only a part is there."""
        self._raise_unusable()
        parts = self._app_parts()
        lacking = [name for name, there in parts.items() if not there]
        if 0 < len(lacking) < len(parts):
            named = " and ".join(name for name in parts if name not in lacking)
            raise SettingsError(
                f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing beside {named}: set all three,"
                " or none of them for the App of the set-up page."
            )
        return bool(lacking)

    def _app_parts(self) -> dict[str, bool]:
        has_key = bool(self.github_private_key.get_secret_value()) or self.github_private_key_file is not None
        return {
            f"{PREFIX}GITHUB_APP_ID": bool(self.github_app_id),
            f"{PREFIX}GITHUB_PRIVATE_KEY (or …_FILE)": has_key,
            f"{PREFIX}GITHUB_WEBHOOK_SECRET": bool(self.github_webhook_secret.get_secret_value()),
        }

    def _raise_unusable(self) -> None:
        if self._unusable:
            raise SettingsError(self._unusable)

    def without_app(self, why: str) -> "Settings":
        """The same, but whoever asks for the App gets `why` as a SettingsError."""
        changed = self.model_copy()
        changed._unusable = why
        return changed


def variable(name: str) -> str:
    """A variable that the operator's file names, because it holds a secret; empty when it is not set."""
    return os.environ.get(name, "").strip()


def load() -> Settings:
    """Settings from the environment, with the App of the set-up page when the environment names none.

    Raises SettingsError with one sentence per wrong value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors()]
        raise SettingsError("; ".join(wrong) + ".") from error
    return with_stored_app(settings)


def with_stored_app(settings: Settings) -> Settings:
    """The environment wins. A stored App that cannot be used is told to whoever asks for it, and to nobody else."""
    if not settings.names_nothing():
        return settings
    try:
        stored = credentials.read(settings.data_dir)
    except credentials.Unusable as unusable:
        return settings.without_app(str(unusable))
    if stored is None:
        return settings
    if "github_api_url" in settings.model_fields_set and settings.github_api_url != stored.api_url:
        path = credentials.path_in(settings.data_dir)
        return settings.without_app(
            f"{PREFIX}GITHUB_API_URL is {settings.github_api_url}, but the App in {path} is one of {stored.api_url}: "
            "unset the variable, or move the file away to register another App."
        )
    return settings.model_copy(
        update={
            "github_app_id": stored.app_id,
            "github_private_key": stored.private_key,
            "github_webhook_secret": stored.webhook_secret,
            "github_api_url": stored.api_url,
        }
    )

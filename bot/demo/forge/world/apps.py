"""Verbs about GitHub Apps: registering, installing, suspending, tokens."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo.forge.model import App, Happening, Installation, Permissions, Repository, Token, User
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.world.accounts import AccountVerbs
from bot.demo.forge.world.memory import RepoName, Who

TOKEN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(hours=1)
_LEVELS = {"read": 1, "write": 2, "admin": 3}


def new_private_key() -> str:
    """A fresh RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def allows(permissions: Mapping[str, str], name: str, level: str) -> bool:
    """Do these permissions include `name` at `level`? Metadata can always be read."""
    if name == "metadata" and level == "read":
        return True
    return _LEVELS.get(permissions.get(name, ""), 0) >= _LEVELS[level]


class AppVerbs(AccountVerbs):
    """Apps and what they may do."""

    def create_app(
        self,
        slug: str,
        name: str,
        *,
        permissions: Permissions,
        events: Iterable[str],
        webhook_url: str | None = None,
        webhook_secret: str = "",
        owner: Who | None = None,
        private_key_pem: str | None = None,
    ) -> App:
        """Register an app with its bot account; generates the private key unless one is given."""
        pem = private_key_pem or new_private_key()
        private = serialization.load_pem_private_key(pem.encode(), None)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        bot = self.create_user(f"{slug}[bot]", kind="Bot")
        app = App(
            id=self.next_id(),
            slug=slug,
            name=name,
            owner=self.user(owner) if owner else self._first_person(),
            bot=bot,
            permissions={"metadata": "read", **permissions},
            events=list(events),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            private_key_pem=pem,
            public_key_pem=public.decode(),
            hook_id=self.next_id(),
            created_at=self.now(),
        )
        self.apps[app.id] = app
        return app

    def offer_credentials(self, app: App) -> str:
        """A code that hands out the app's key, once and within the hour."""
        code = secrets.token_hex(20)
        self.codes[code] = app, self.now() + CODE_LIFE
        return code

    def redeem(self, code: str) -> App:
        """The app of a code; 404 for one that was used, is too old or was never given."""
        app, ends = self.codes.pop(code, (None, self.now()))
        if app is None or self.now() >= ends:
            raise not_found()
        return app

    def app_by_slug(self, slug: str) -> App:
        """An app by the name in its address."""
        found = next((app for app in self.apps.values() if app.slug == slug), None)
        if found is None:
            raise not_found()
        return found

    def install_app(
        self,
        app: App,
        repos: Iterable[RepoName],
        *,
        by: Who | None = None,
        selected: bool = False,
        silent: bool = False,
    ) -> int:
        """Install an app on repositories of one account; returns the installation id. `selected`: they were named."""
        places = [self.repo(repo) for repo in repos]
        account = places[0].owner if places else app.owner
        installation = Installation(self.next_id(), app, account, places, self.now())
        installation.selection = "selected" if selected else "all"
        self.installations[installation.id] = installation
        sender = self.user(by) if by else account
        happening = Happening("installation", "created", sender, installation=installation, repositories=tuple(places))
        self.tell(happening, silent=silent)
        return installation.id

    def installation(self, installation_id: int) -> Installation:
        """An installation by its id."""
        found = self.installations.get(installation_id)
        if found is None:
            raise not_found()
        return found

    def installations_on(self, repo: Repository) -> list[Installation]:
        """The installations that include a repository."""
        return [one for one in self.installations.values() if repo in one.repositories]

    def uninstall_app(self, installation_id: int, *, by: Who, silent: bool = False) -> None:
        """Remove an installation; its tokens end."""
        gone = self.installation(installation_id)
        happening = Happening(
            "installation", "deleted", self.user(by), installation=gone, repositories=tuple(gone.repositories)
        )
        self.tell(happening, silent=silent)
        del self.installations[installation_id]
        self.tokens = {value: token for value, token in self.tokens.items() if token.installation is not gone}

    def suspend_installation(self, installation_id: int, *, by: Who, silent: bool = False) -> None:
        """Its tokens are refused until it is unsuspended."""
        installation = self.installation(installation_id)
        installation.suspended_at = self.now()
        self.tell(Happening("installation", "suspend", self.user(by), installation=installation), silent=silent)

    def unsuspend_installation(self, installation_id: int, *, by: Who, silent: bool = False) -> None:
        """Take a suspension back."""
        installation = self.installation(installation_id)
        installation.suspended_at = None
        self.tell(Happening("installation", "unsuspend", self.user(by), installation=installation), silent=silent)

    def add_to_installation(self, installation_id: int, repo: RepoName, *, by: Who, silent: bool = False) -> None:
        """Let the app see one more repository."""
        installation, place = self.installation(installation_id), self.repo(repo)
        installation.repositories.append(place)
        installation.selection = "selected"
        self._tell_repositories(installation, "added", place, by, silent)

    def remove_from_installation(self, installation_id: int, repo: RepoName, *, by: Who, silent: bool = False) -> None:
        """Take a repository away from the app."""
        installation, place = self.installation(installation_id), self.repo(repo)
        installation.repositories.remove(place)
        self._tell_repositories(installation, "removed", place, by, silent)

    def ping(self, app: App) -> None:
        """Send the `ping` that GitHub sends when a webhook is set up."""
        self.tell(Happening("ping", None, app.owner, extra={"app": app}))

    def create_installation_token(
        self,
        installation_id: int,
        *,
        repositories: Iterable[Repository] | None = None,
        permissions: Permissions | None = None,
    ) -> Token:
        """A token (`ghs_…`) for an hour, narrowed to repositories and permissions that the installation has."""
        installation = self.installation(installation_id)
        if installation.suspended_at:
            raise Refused(403, "This installation has been suspended")
        granted = installation.app.permissions
        for name, level in (permissions or {}).items():
            if level not in _LEVELS or not allows(granted, name, level):
                raise Refused(422, "The permissions requested are not granted to this installation.")
        chosen = None if repositories is None else list(repositories)
        if any(repo not in installation.repositories for repo in chosen or ()):
            raise Refused(422, "There is at least one repository that does not exist or is not accessible.")
        token = Token(
            value=f"ghs_{secrets.token_hex(18)}",
            expires_at=self.now() + TOKEN_LIFE,
            user=installation.app.bot,
            installation=installation,
            repositories=chosen,
            permissions={"metadata": "read", **permissions} if permissions else dict(granted),
        )
        self.tokens[token.value] = token
        return token

    def _tell_repositories(
        self, installation: Installation, action: str, repo: Repository, by: Who, silent: bool
    ) -> None:
        happening = Happening(
            "installation_repositories", action, self.user(by), installation=installation, repositories=(repo,)
        )
        self.tell(happening, silent=silent)

    def _first_person(self) -> User:
        person = next((user for user in self.users.values() if user.type != "Bot"), None)
        return person or self.create_user("octocat")

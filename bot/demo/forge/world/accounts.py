"""Verbs about who exists: users, repositories and roles."""

import re
import secrets
from collections.abc import Callable, Collection
from typing import Literal

from bot.demo.forge.git.bare import BareRepo, Files
from bot.demo.forge.model import Label, Repository, Role, Token, User
from bot.demo.forge.refusal import Refused, invalid
from bot.demo.forge.world.memory import Memory, RepoName, Who

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:\[bot\])?")
_REPO_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)")
_DEFAULT_LABELS = {
    "bug": ("d73a4a", "Something isn't working"),
    "documentation": ("0075ca", "Improvements or additions to documentation"),
    "enhancement": ("a2eeef", "New feature or request"),
    "question": ("d876e3", "Further information is requested"),
}


class AccountVerbs(Memory):
    """Creating people and the places they work in."""

    def create_user(
        self, login: str, *, name: str | None = None, kind: Literal["User", "Bot", "Organization"] = "User"
    ) -> User:
        """Add a person (or, with `kind`, an organization)."""
        if not _LOGIN.fullmatch(login) or login.lower() in self.users:
            raise invalid("User", "login", "already_exists" if login.lower() in self.users else "invalid")
        user = User(self.next_id(), login, kind, name, self.now())
        self.users[login.lower()] = user
        return user

    def create_repository(
        self,
        owner: Who,
        name: str,
        files: Files | None = None,
        *,
        default_branch: str = "main",
        private: bool = False,
        description: str | None = None,
        executable: Collection[str] = (),
    ) -> Repository:
        """Make a repository with a first commit of `files` (a README when none are given)."""
        first = {"README.md": f"# {name}\n"} if files is None else files
        who = self.signature(self.user(owner))

        def write(git: BareRepo) -> None:
            git.write(default_branch, first, "Initial commit", who, executable=executable)

        return self.house_repository(
            owner, name, write, default_branch=default_branch, private=private, description=description
        )

    def house_repository(
        self,
        owner: Who,
        name: str,
        fill: Callable[[BareRepo], None],
        *,
        default_branch: str = "main",
        private: bool = False,
        description: str | None = None,
    ) -> Repository:
        """Make a repository of what `fill` brings into the empty bare one: at least the default branch."""
        account = self.user(owner)
        full_name = f"{account.login}/{name}"
        if not _REPO_NAME.fullmatch(name) or full_name.lower() in self.repos:
            raise invalid("Repository", "name", "custom", "name is not valid or already exists on this account")
        git = BareRepo.create(self.root / account.login.lower() / f"{name.lower()}.git", default_branch)
        now = self.now()
        repo = Repository(self.next_id(), account, name, private, default_branch, description, git, now, now)
        fill(git)
        repo.refs = git.refs()
        self.repos[full_name.lower()] = repo
        self.moved.pop(full_name.lower(), None)
        for label, (color, text) in _DEFAULT_LABELS.items():
            self.create_label(repo, label, color, text)
        return repo

    def grant(self, repo: RepoName, who: Who, role: Role) -> None:
        """Give a user a role in a repository; `none` takes it away."""
        roles = self.repo(repo).roles
        login = self.user(who).login.lower()
        if role == "none":
            roles.pop(login, None)
        else:
            roles[login] = role

    def create_user_token(self, who: Who) -> str:
        """A personal access token (`ghp_…`) that acts as this user and does not expire."""
        value = f"ghp_{secrets.token_hex(18)}"
        self.tokens[value] = Token(value, None, self.user(who))
        return value

    def create_label(self, repo: RepoName, name: str, color: str = "ededed", description: str | None = None) -> Label:
        """Add a label to a repository; 422 when the name is taken (in any case)."""
        place = self.repo(repo)
        if not name.strip():
            raise invalid("Label", "name", "missing_field")
        if name.lower() in place.labels:
            raise invalid("Label", "name", "already_exists")
        if not re.fullmatch(r"[0-9a-fA-F]{6}", color):
            raise invalid("Label", "color")
        label = Label(self.next_id(), place, name, color.lower(), description)
        place.labels[name.lower()] = label
        return label

    def label(self, repo: RepoName, name: str) -> Label:
        """A label of a repository by name (any case)."""
        found = self.repo(repo).labels.get(name.lower())
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def edit_label(
        self,
        repo: RepoName,
        name: str,
        *,
        new_name: str | None = None,
        color: str | None = None,
        description: str | None = None,
    ) -> Label:
        """Rename or recolour a label."""
        place, label = self.repo(repo), self.label(repo, name)
        if new_name is not None and new_name.lower() != name.lower():
            if new_name.lower() in place.labels:
                raise invalid("Label", "name", "already_exists")
            del place.labels[label.name.lower()]
            place.labels[new_name.lower()] = label
        label.name = new_name or label.name
        label.color = color or label.color
        label.description = description if description is not None else label.description
        return label

    def delete_label(self, repo: RepoName, name: str) -> None:
        """Remove a label from the repository and from every issue."""
        place, label = self.repo(repo), self.label(repo, name)
        del place.labels[label.name.lower()]
        for issue in place.issues.values():
            if label in issue.labels:
                issue.labels.remove(label)

"""Verbs about a repository as a whole: its name, its owner, its default branch, the rules for its branches."""

import shlex

from bot.demo.forge.model import Repository
from bot.demo.forge.refusal import invalid
from bot.demo.forge.world.checks import CheckVerbs
from bot.demo.forge.world.memory import RepoName, Who

_HOOK = """#!/bin/sh
while read -r old new ref; do
  case "$ref" in
{cases}
  esac
done
exit 0
"""
_CASE = """  refs/heads/{pattern})
    printf '%s\\n' "error: {head} $ref." {lines} >&2
    exit 1 ;;"""
_HEADS = {
    "GH006": "GH006: Protected branch update failed for",
    "GH013": "GH013: Repository rule violations found for",
}


class PlaceVerbs(CheckVerbs):
    """What admins do to a repository."""

    def rename_repository(self, repo: RepoName, name: str) -> Repository:
        """Its old name redirects until another repository takes it."""
        return self._move(self.repo(repo), self.repo(repo).owner.login, name)

    def transfer_repository(self, repo: RepoName, to: Who, *, by: Who, silent: bool = False) -> Repository:
        """Give it to another account. Installations on the old account lose it; ones on all of the new one get it."""
        place, owner = self.repo(repo), self.user(to)
        for installation in self.installations_on(place):
            self.remove_from_installation(installation.id, place, by=by, silent=silent)
        self._move(place, owner.login, place.name)
        for installation in [one for one in self.installations.values() if one.account is owner]:
            if installation.selection == "all":
                installation.repositories.append(place)
                self._tell_repositories(installation, "added", place, by, silent)
        return place

    def rename_default_branch(self, repo: RepoName, name: str) -> None:
        """Open pull requests onto it follow."""
        place = self.repo(repo)
        old, tip = place.default_branch, place.refs[f"refs/heads/{place.default_branch}"]
        place.git.set_ref(f"refs/heads/{name}", tip)
        place.git.run("symbolic-ref", "HEAD", f"refs/heads/{name}")
        place.git.set_ref(f"refs/heads/{old}", None)
        place.refs = place.git.refs()
        place.default_branch = name
        for pull in place.pulls():
            if pull.base_ref == old and pull.issue.state == "open":
                pull.base_ref = name

    def restrict(self, repo: RepoName, branches: str, *rules: str, code: str = "GH013") -> None:
        """Pushes to `branches` (`agent/**`) are rejected as GitHub does: GH013 by rulesets, GH006 by protection."""
        lines = [f"- {rule}" if code == "GH013" else f"error: {rule}" for rule in rules]
        told = ["Review all repository rules on the page of the repository", "", *lines] if code == "GH013" else lines
        case = _CASE.format(
            pattern=branches.replace("**", "*"), head=_HEADS[code], lines=" ".join(shlex.quote(line) for line in told)
        )
        hook = self.repo(repo).git.path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_HOOK.format(cases=case))
        hook.chmod(0o755)

    def unrestrict(self, repo: RepoName) -> None:
        """Take all rules away."""
        (self.repo(repo).git.path / "hooks" / "pre-receive").unlink(missing_ok=True)

    def _move(self, place: Repository, owner: str, name: str) -> Repository:
        before, after = place.full_name.lower(), f"{owner}/{name}".lower()
        if after in self.repos and after != before:
            raise invalid("Repository", "name", "already_exists")
        del self.repos[before]
        place.owner, place.name = self.user(owner), name
        folder = self.root / owner.lower() / f"{name.lower()}.git"
        folder.parent.mkdir(exist_ok=True)
        place.git.path = place.git.path.rename(folder)
        self.repos[after] = place
        self.moved.pop(after, None)
        self.moved[before] = place
        return place

"""The pages that only show: repositories, issues, pull requests with their diff, check runs, deliveries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.demo.forge.git.diff import changed_files, unified
from bot.demo.forge.hooks import Hooks
from bot.demo.forge.model import CheckRun, Issue, Pull, Repository, User
from bot.demo.forge.pages.diffview import file_view, hunk_lines, threads_of
from bot.demo.forge.pages.markdown import markdown
from bot.demo.forge.pages.timeline import timeline
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.wire.people import association
from bot.demo.forge.wire.pulls import diff_base, mergeability
from bot.demo.forge.world import World

HERE = Path(__file__).parent
AS_COOKIE = "forge_as"
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
_HUES = 360
_RAW_LIMIT = 200_000


@dataclass(slots=True)
class Views:
    """Every page of the forge that is read."""

    world: World
    hooks: Hooks
    templates: Environment

    def routes(self) -> list[Route]:
        """Paths as on GitHub."""
        repo = "/{owner}/{repo}"
        pages: list[tuple[str, Callable[[Request], Response]]] = [
            ("/", self.home),
            ("/settings/hooks", self.deliveries),
            ("/static/style.css", self.style),
            ("/avatars/{user_id:int}.svg", self.avatar),
            (repo, self.code),
            (f"{repo}/issues", self.issues),
            (f"{repo}/pulls", self.pulls),
            (f"{repo}/issues/{{number:int}}", self.issue),
            (f"{repo}/pull/{{number:int}}", self.issue),
            (f"{repo}/pull/{{number:int}}/files", self.files),
            (f"{repo}/pull/{{number:int}}.diff", self.diff),
            (f"{repo}/pull/{{number:int}}/checks", self.checks),
            (f"{repo}/runs/{{run_id:int}}", self.check_run),
            (f"{repo}/commit/{{sha}}", self.commit),
            (f"{repo}/blob/{{rest:path}}", self.blob),
            (f"{repo}/tree/{{ref:path}}", self.code),
        ]
        return [Route(path, _guarded(show), methods=["GET"]) for path, show in pages]

    def home(self, request: Request) -> Response:
        """All repositories."""
        return self._page(request, "home.html", repos=list(self.world.repos.values()))

    def code(self, request: Request) -> Response:
        """The files and the README of a branch."""
        repo = self._repo(request)
        ref = request.path_params.get("ref", repo.default_branch)
        sha = repo.git.resolve(ref)
        if sha is None:
            raise not_found()
        files = sorted(repo.git.text("ls-tree", "-r", "--name-only", sha).splitlines())
        readme = repo.git.entry(sha, "README.md")
        text = repo.git.blob(readme[2]).decode(errors="replace") if readme else ""
        branches = [name.removeprefix("refs/heads/") for name in repo.git.refs() if name.startswith("refs/heads/")]
        commit = repo.git.commit(sha)
        return self._page(
            request, "code.html", repo=repo, ref=ref, files=files, readme=text, branches=branches, commit=commit
        )

    def issues(self, request: Request) -> Response:
        """The issues of a repository."""
        return self._list(request, "issues")

    def pulls(self, request: Request) -> Response:
        """The pull requests of a repository."""
        return self._list(request, "pulls")

    def issue(self, request: Request) -> Response:
        """The conversation of an issue or pull request."""
        issue = self._issue(request)
        part = "pull" if issue.pull else "issues"
        if f"/{part}/" not in request.url.path:
            return RedirectResponse(f"/{issue.repo.full_name}/{part}/{issue.number}")
        extra = self._merge_box(issue.pull) if issue.pull else {}
        return self._page(
            request, "thread.html", repo=issue.repo, issue=issue, tab="conversation", entries=timeline(issue), **extra
        )

    def files(self, request: Request) -> Response:
        """The diff of a pull request with its threads; each line takes a comment."""
        pull = self._pull(request)
        threads = threads_of(pull.comments)
        changed = changed_files(pull.repo.git, diff_base(pull), pull.head_sha)
        views = [file_view(one, threads) for one in changed]
        return self._page(request, "files.html", repo=pull.repo, issue=pull.issue, tab="files", views=views)

    def checks(self, request: Request) -> Response:
        """The check runs on the head of a pull request."""
        pull = self._pull(request)
        runs = self.world.check_runs_of(pull.repo, pull.head_sha)
        return self._page(request, "checks.html", repo=pull.repo, issue=pull.issue, tab="checks", runs=runs)

    def diff(self, request: Request) -> Response:
        """The diff as text."""
        pull = self._pull(request)
        return PlainTextResponse(unified(pull.repo.git, diff_base(pull), pull.head_sha))

    def check_run(self, request: Request) -> Response:
        """One check run with its report."""
        run = self.world.find_check_run(self._repo(request), request.path_params["run_id"])
        pull = next((pull for pull in run.repo.pulls() if pull.head_sha == run.head_sha), None)
        return self._page(request, "run.html", repo=run.repo, run=run, pull=pull)

    def commit(self, request: Request) -> Response:
        """One commit with its diff."""
        repo = self._repo(request)
        sha = repo.git.resolve(request.path_params["sha"])
        if sha is None:
            raise not_found()
        commit = repo.git.commit(sha)
        changed = changed_files(repo.git, commit.parents[0], sha) if commit.parents else ()
        views = [file_view(one, ()) for one in changed]
        return self._page(request, "commit.html", repo=repo, commit=commit, views=views)

    def blob(self, request: Request) -> Response:
        """One file at a commit or branch."""
        repo, rest = self._repo(request), request.path_params["rest"]
        for ref in _prefixes(rest):
            sha = repo.git.resolve(ref)
            found = repo.git.entry(sha, rest.removeprefix(f"{ref}/")) if sha else None
            if found and found[1] == "blob":
                text = repo.git.blob(found[2])[:_RAW_LIMIT].decode(errors="replace")
                path = rest.removeprefix(f"{ref}/")
                return self._page(request, "blob.html", repo=repo, ref=ref, path=path, lines=text.split("\n"))
        raise not_found()

    def deliveries(self, request: Request) -> Response:
        """The webhook log."""
        rows = list(reversed(self.hooks.log))[:100]
        return self._page(request, "hooks.html", rows=rows, apps=list(self.world.apps.values()))

    def style(self, _request: Request) -> Response:
        """The one style sheet."""
        return FileResponse(HERE / "static" / "style.css", media_type="text/css")

    def avatar(self, request: Request) -> Response:
        """A coloured letter."""
        wanted = request.path_params["user_id"]
        user = next((one for one in self.world.users.values() if one.id == wanted), None)
        if user is None:
            raise not_found()
        shape = self.templates.get_template("avatar.svg").render(letter=user.login[0].upper(), hue=_hue(user))
        return Response(shape, media_type="image/svg+xml")

    def _list(self, request: Request, kind: str) -> Response:
        repo = self._repo(request)
        rows = [one for one in repo.issues.values() if (one.pull is not None) == (kind == "pulls")]
        state = "closed" if request.query_params.get("state") == "closed" else "open"
        counts = {name: sum(one.state == name for one in rows) for name in ("open", "closed")}
        shown = [one for one in reversed(rows) if one.state == state]
        return self._page(request, "list.html", repo=repo, kind=kind, rows=shown, state=state, counts=counts)

    def _merge_box(self, pull: Pull) -> dict[str, Any]:
        mergeable, state = mergeability(pull)
        runs = self.world.check_runs_of(pull.repo, pull.head_sha)
        conflicts = self.world.trial(pull).conflicts if mergeable is False else ()
        verdicts = {one.author.login: one for one in pull.reviews if one.state != "COMMENTED"}
        return {"mergeable": mergeable, "merge_state": state, "runs": runs, "conflicts": conflicts,
                "verdicts": list(verdicts.values())}  # fmt: skip

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        people = [user for user in self.world.users.values() if user.type == "User"]
        acting = request.cookies.get(AS_COOKIE, "")
        live = request.query_params.get("live") == "1"
        text = self.templates.get_template(template).render(
            people=people, acting=acting, live=live, here=request.url.path, **context
        )
        return HTMLResponse(text, headers=HEADERS)

    def _repo(self, request: Request) -> Repository:
        return self.world.repo(f"{request.path_params['owner']}/{request.path_params['repo']}")

    def _issue(self, request: Request) -> Issue:
        return self.world.issue(self._repo(request), request.path_params["number"])

    def _pull(self, request: Request) -> Pull:
        return self.world.pull(self._repo(request), request.path_params["number"])


def templates() -> Environment:
    """The template environment: everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"markdown": markdown, "when": _when, "hunk_lines": hunk_lines, "tone": _tone}
    environment.globals["association"] = association
    return environment


def _guarded(show: Callable[[Request], Response]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return show(request)
        except Refused as refused:
            return PlainTextResponse(refused.message, refused.status)

    return endpoint


def _prefixes(path: str) -> list[str]:
    """`a/b/c` could be the ref `a` or `a/b`."""
    parts = path.split("/")
    return ["/".join(parts[:at]) for at in range(1, len(parts))]


def _when(moment: datetime) -> str:
    return moment.strftime("%-d %b %Y, %H:%M UTC")


def _hue(user: User) -> int:
    return user.id * 47 % _HUES


def _tone(run: CheckRun) -> str:
    """How a check run is coloured."""
    if run.status != "completed":
        return "pending"
    good = {"success": "good", "neutral": "neutral", "skipped": "neutral"}
    return good.get(run.conclusion or "", "bad")

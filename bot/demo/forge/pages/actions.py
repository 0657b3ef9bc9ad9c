"""The buttons: forms that act as the chosen person through the verbs of the world."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.demo.forge.hooks import Hooks
from bot.demo.forge.model import ROLES, Repository, Role
from bot.demo.forge.pages.views import AS_COOKIE
from bot.demo.forge.refusal import Refused, forbidden
from bot.demo.forge.wire.site import Site
from bot.demo.forge.world import Inline, World
from bot.demo.forge.world.pulls import MergeMethod
from bot.demo.forge.world.reviews import Verdict


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: the form, who presses, and on what."""

    form: dict[str, str]
    by: str
    repo: Repository
    number: int

    def text(self, name: str) -> str:
        """A field of the form."""
        return self.form.get(name, "").replace("\r\n", "\n").strip()


@dataclass(slots=True)
class Actions:
    """Every form of the forge. There is no login: it is a toy on loopback, and each form says who acts."""

    world: World
    hooks: Hooks
    site: Site

    def routes(self) -> list[Route]:
        """One path for all buttons of an issue or pull request; `do` names the button."""
        return [
            Route("/{owner}/{repo}/issues/new", self._open, methods=["POST"]),
            Route("/{owner}/{repo}/{number:int}/act", self._act, methods=["POST"]),
            Route("/settings/hooks/redeliver", self._redeliver, methods=["POST"]),
        ]

    async def _open(self, request: Request) -> Response:
        return await self._run(request, self._open_issue)

    async def _act(self, request: Request) -> Response:
        return await self._run(request, self._press)

    async def _redeliver(self, request: Request) -> Response:
        try:
            self._check_origin(request)
            self.hooks.redeliver(str((await request.form()).get("guid", "")))
        except Refused as refused:
            return PlainTextResponse(refused.message, refused.status)
        return RedirectResponse("/settings/hooks", 303)

    async def _run(self, request: Request, act: Callable[[Press], str]) -> Response:
        try:
            self._check_origin(request)
            press = self._pressed(request, await request.form())
            target = act(press)
        except Refused as refused:
            reasons = [row.get("message") or f"{row.get('field')}: {row.get('code')}" for row in refused.errors]
            return PlainTextResponse("\n".join([refused.message, *reasons]), refused.status)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(AS_COOKIE, press.by, httponly=True, samesite="strict")
        return answer

    def _check_origin(self, request: Request) -> None:
        """A page of another site must not press buttons here."""
        origin = request.headers.get("origin", "").replace("//localhost", "//127.0.0.1")
        if origin != self.site.web:
            raise forbidden("This form was sent from another site.")

    def _pressed(self, request: Request, form: FormData) -> Press:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        repo = self.world.repo(f"{request.path_params['owner']}/{request.path_params['repo']}")
        by = self.world.user(fields.get("by", "")).login
        return Press(fields, by, repo, int(request.path_params.get("number", 0)))

    def _open_issue(self, press: Press) -> str:
        issue = self.world.open_issue(press.repo, press.text("title"), press.text("body"), by=press.by)
        return f"/{press.repo.full_name}/issues/{issue.number}"

    def _press(self, press: Press) -> str:
        buttons: dict[str, Callable[[Press], object]] = {
            "comment": self._comment,
            "label": self._label,
            "unlabel": self._unlabel,
            "close": self._close,
            "reopen": self._reopen,
            "react": self._react,
            "edit": self._edit,
            "review": self._review,
            "reply": self._reply,
            "draft": self._draft,
            "merge": self._merge,
            "delete_branch": self._delete_branch,
            "rerun": self._rerun,
        }
        button = buttons.get(press.text("do"))
        if button is None:
            raise Refused(400, "No such button")
        button(press)
        issue = self.world.issue(press.repo, press.number)
        return f"/{press.repo.full_name}/{'pull' if issue.pull else 'issues'}/{issue.number}"

    def _comment(self, press: Press) -> None:
        self.world.comment(press.repo, press.number, press.text("body"), by=press.by)

    def _label(self, press: Press) -> None:
        self._need_role(press, "triage")
        if press.text("label"):
            self.world.label_issue(press.repo, press.number, press.text("label"), by=press.by)

    def _unlabel(self, press: Press) -> None:
        self._need_role(press, "triage")
        self.world.unlabel_issue(press.repo, press.number, press.text("label"), by=press.by)

    def _close(self, press: Press) -> None:
        if press.text("body"):
            self._comment(press)
        if self.world.issue(press.repo, press.number).pull:
            self.world.close_pull(press.repo, press.number, by=press.by)
        else:
            self.world.close_issue(press.repo, press.number, by=press.by)

    def _reopen(self, press: Press) -> None:
        if self.world.issue(press.repo, press.number).pull:
            self.world.reopen_pull(press.repo, press.number, by=press.by)
        else:
            self.world.reopen_issue(press.repo, press.number, by=press.by)

    def _react(self, press: Press) -> None:
        wanted = press.text("comment")
        target = self.world.find_comment(press.repo, int(wanted)) if wanted.isdigit() else None
        self.world.react(target or self.world.issue(press.repo, press.number), press.text("content"), by=press.by)

    def _edit(self, press: Press) -> None:
        title, body = press.text("title") or None, press.text("body")
        self.world.edit_issue(press.repo, press.number, by=press.by, title=title, body=body)

    def _review(self, press: Press) -> None:
        """One review out of the verdict, the body and every line that was written on."""
        inlines = [
            _inline(name, press.text(name)) for name in press.form if name.startswith("line:") and press.text(name)
        ]
        verdict = press.text("verdict") or "COMMENT"
        if verdict not in ("APPROVE", "REQUEST_CHANGES", "COMMENT"):
            raise Refused(422, "No such verdict")
        self.world.submit_review(
            press.repo, press.number, cast(Verdict, verdict), press.text("body"), inlines, by=press.by
        )

    def _reply(self, press: Press) -> None:
        root = int(press.text("thread")) if press.text("thread").isdigit() else 0
        self.world.reply_in_thread(press.repo, press.number, root, press.text("body"), by=press.by)

    def _draft(self, press: Press) -> None:
        self.world.set_draft(press.repo, press.number, press.text("to") == "draft", by=press.by)

    def _merge(self, press: Press) -> None:
        self._need_role(press, "write")
        method = press.text("method")
        if method not in ("merge", "squash", "rebase"):
            raise Refused(422, "No such way to merge")
        self.world.merge_pull(press.repo, press.number, by=press.by, method=cast(MergeMethod, method))

    def _delete_branch(self, press: Press) -> None:
        self._need_role(press, "write")
        self.world.delete_branch(press.repo, self.world.pull(press.repo, press.number).head_ref, by=press.by)

    def _rerun(self, press: Press) -> None:
        self._need_role(press, "write")
        run = int(press.text("run")) if press.text("run").isdigit() else 0
        self.world.rerequest_check_run(press.repo, run, by=press.by)

    def _need_role(self, press: Press, role: Role) -> None:
        if ROLES.index(press.repo.role_of(self.world.user(press.by))) < ROLES.index(role):
            raise forbidden(f"{press.by} needs the role “{role}” in {press.repo.full_name} for this.")


def _inline(name: str, body: str) -> Inline:
    """The field of a line is named `line:RIGHT:12:src/a.py`."""
    _, side, line, path = name.split(":", 3)
    return Inline(path, int(line), body, "LEFT" if side == "LEFT" else "RIGHT")

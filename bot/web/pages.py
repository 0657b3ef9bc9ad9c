"""The pages and probes, as a FastAPI application. Server-rendered; every page only reads."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from bot.store.store import Store
from bot.task.ids import ArtifactId, TaskId
from bot.task.model import RUNNING, Phase, Task
from bot.web.dashboard import TASKS, groups, homeless_dead, mood_of, said_so_far
from bot.web.guard import Guard, Refused
from bot.web.probes import Readiness, metrics, readiness_report
from bot.web.rendering import HEADERS, Rendering
from bot.web.story import chapters, log_of, pending, reason
from bot.words.status import paused
from bot.words.timeline import ago, phase_word, standing, visible

LOG_BYTES = 512 * 1024
"""The end of a log that a page shows: failures are told there."""
RENEW_SECONDS = 20
"""How often the page of a running task renews itself."""
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pages:
    """The routes. Each looks at the guard first, so that a stranger learns nothing, not even what exists."""

    store: Store
    guard: Guard
    rendering: Rendering
    readiness: Callable[[], Readiness]
    answers: Counter[int]
    clock: Callable[[], datetime]

    # ── open to all ──

    async def healthz(self) -> Response:
        """The process lives."""
        return PlainTextResponse("ok\n")

    async def readyz(self) -> Response:
        """May work be sent here?"""
        report = readiness_report(await self.store.ready(), self.readiness())
        return JSONResponse(report, 200 if report["ready"] else 503)

    async def style(self) -> Response:
        """The style sheet."""
        return self.rendering.style()

    # ── for the operator ──

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        if (away := self._turn_away(request)) is not None:
            return away
        text = metrics(await self.store.tasks(TASKS), await self.store.open_effects(), self.answers, self.clock())
        return PlainTextResponse(text, headers=HEADERS, media_type="text/plain; version=0.0.4")

    async def dashboard(self, request: Request) -> Response:
        """All tasks."""
        if (away := self._turn_away(request)) is not None:
            return away
        tasks = await self.store.tasks(TASKS)
        working = [listed.task.id for listed in tasks if listed.task.phase is Phase.WORKING]
        progress = {task: said for task in working if (said := await self.store.progress(task)) is not None}
        shown = groups(tasks, progress, self.clock())
        dead = homeless_dead(await self.store.open_effects())
        pauses = [(pause.repository, paused(pause)) for pause in await self.store.pauses()]
        running = any(listed.task.phase in RUNNING for listed in tasks)
        return self.rendering.page(
            "dashboard.html", groups=shown, dead=dead, pauses=pauses, renew=RENEW_SECONDS if running else None
        )

    # ── for the operator, and whoever has a link ──

    async def task(self, request: Request, number: int) -> Response:
        """One task with its timeline."""
        if (away := self._turn_away(request, TaskId(number))) is not None:
            return away
        task = await self._task(number)
        history = await self.store.history(task.id)
        position = await self.store.position(task.id)
        progress = await self.store.progress(task.id) if task.phase is Phase.WORKING else None
        effects = await self.store.open_effects(task.id)
        return self.rendering.page(
            "task.html",
            task=task,
            badge=phase_word(task.phase),
            mood=mood_of(task.phase),
            standing=standing(task, position, await self.store.pause_of(task.issue.repo)),
            reason=reason(history, task.phase),
            progress=progress,
            doing=said_so_far(progress) if progress else "",
            chapters=chapters(history),
            effects=pending(effects, self.clock()),
            age=ago((self.clock() - history[-1].at).total_seconds()) if history else "",
            renew=RENEW_SECONDS if task.phase in RUNNING else None,
            query=self._link_query(request),
        )

    async def log(self, request: Request, number: int, artifact: int) -> Response:
        """The log of one check of the task."""
        if (away := self._turn_away(request, TaskId(number))) is not None:
            return away
        task = await self._task(number)
        log = log_of(await self.store.history(task.id), ArtifactId(artifact))
        content = None if log is None else await self.store.artifact(ArtifactId(artifact))
        if log is None or content is None:
            raise HTTPException(404, f"Task {number} has no log {artifact}.")
        return self.rendering.page(
            "log.html",
            task=task,
            log=log,
            left_out=max(0, len(content) - LOG_BYTES),
            text=visible(content[-LOG_BYTES:].decode(errors="replace"), LOG_BYTES),
            renew=None,
            query=self._link_query(request),
        )

    # ── turning away ──

    async def missing(self, request: Request, error: HTTPException) -> Response:
        """Also for addresses that do not exist at all."""
        return self._said(request, error.status_code, f"{error.detail}")

    async def _task(self, number: int) -> Task:
        task = await self.store.task(TaskId(number)) if number <= _LARGEST_ID else None
        if task is None:
            raise HTTPException(404, f"There is no task {number}.")
        return task

    def _turn_away(self, request: Request, task: TaskId | None = None) -> Response | None:
        looked = self.guard.look(request, task)
        return self._said(request, 403, looked.sentence) if isinstance(looked, Refused) else looked

    def _said(self, request: Request, status: int, sentence: str) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return self.rendering.page("said.html", status, sentence=sentence, renew=None)
        return PlainTextResponse(f"{sentence}\n", status, HEADERS)

    def _link_query(self, request: Request) -> str:
        """Whoever came by a link goes on by it: logs are of the same task."""
        query = request.query_params
        return f"?expires={query['expires']}&sig={query['sig']}" if "sig" in query and "expires" in query else ""


def build_pages(pages: Pages) -> FastAPI:
    """No schema pages: they would fetch scripts from elsewhere."""
    app = FastAPI(title="Issuewright", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/healthz", pages.healthz, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/readyz", pages.readyz, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/static/style.css", pages.style, response_model=None)
    app.add_api_route("/metrics", pages.metrics, response_model=None)
    app.add_api_route("/", pages.dashboard, response_model=None)
    app.add_api_route("/tasks/{number:int}", pages.task, response_model=None)
    app.add_api_route("/tasks/{number:int}/logs/{artifact:int}", pages.log, response_model=None)
    app.add_exception_handler(HTTPException, pages.missing)  # type: ignore[arg-type] # of exactly this exception
    return app

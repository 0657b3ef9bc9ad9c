"""What machines ask: is the process alive, may it get work, and how much of what is there."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.values import Listed, OpenEffect
from bot.task.model import Phase
from bot.task.results import SandboxLevel


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the process knows of itself beside its database. `ok`: runs can be done here."""

    ok: bool
    sandbox: SandboxLevel
    reason: str
    """A sentence: how processes are contained, or why not and what to do about it."""


def readiness_report(database: bool, readiness: Readiness) -> dict[str, object]:
    """The content of `/readyz`."""
    return {
        "ready": database and readiness.ok,
        "database": "ok" if database else "does not answer",
        "sandbox": readiness.sandbox.value,
        "reason": readiness.reason,
    }


def metrics(tasks: Sequence[Listed], effects: Sequence[OpenEffect], answers: Mapping[int, int], now: datetime) -> str:
    """Prometheus text format 0.0.4."""
    return "\n".join([*_tasks(tasks), *_effects(effects, now), *_answers(answers), ""])


def _tasks(tasks: Sequence[Listed]) -> Iterator[str]:
    phases = Counter(listed.task.phase for listed in tasks)
    yield "# HELP issuewright_tasks Tasks by phase."
    yield "# TYPE issuewright_tasks gauge"
    for phase in Phase:
        yield f'issuewright_tasks{{phase="{phase}"}} {phases[phase]}'


def _effects(effects: Sequence[OpenEffect], now: datetime) -> Iterator[str]:
    waiting = [effect for effect in effects if not effect.dead]
    due = [effect.due_at for effect in waiting if effect.owner is None and effect.kind != "StartRun"]
    late = max(0.0, (now - min(due)).total_seconds()) if due else 0.0
    yield "# HELP issuewright_effects Effects by kind and state (open, dead)."
    yield "# TYPE issuewright_effects gauge"
    yield from _by_kind(waiting, "open")
    yield from _by_kind([effect for effect in effects if effect.dead], "dead")
    yield "# HELP issuewright_effects_late_seconds How long the oldest due effect has been waiting for a worker."
    yield "# TYPE issuewright_effects_late_seconds gauge"
    yield f"issuewright_effects_late_seconds {late:.3f}"


def _by_kind(effects: Sequence[OpenEffect], state: str) -> Iterator[str]:
    for kind, number in sorted(Counter(effect.kind for effect in effects).items()):
        yield f'issuewright_effects{{kind="{kind}",state="{state}"}} {number}'


def _answers(answers: Mapping[int, int]) -> Iterator[str]:
    yield "# HELP issuewright_webhook_answers_total Answers to deliveries by status, since the process started."
    yield "# TYPE issuewright_webhook_answers_total counter"
    for status, number in sorted(answers.items()):
        yield f'issuewright_webhook_answers_total{{status="{status}"}} {number}'

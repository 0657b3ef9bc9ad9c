"""Verify: run the checks on a clean checkout of the exact commit."""

from bot.flow.steps.bench import LOG, Bench
from bot.sandbox.box import Limits
from bot.task.effects import Verify
from bot.task.events import Verified
from bot.task.ids import CommitSha
from bot.task.model import Task
from bot.task.repo_config import RepoConfig
from bot.task.results import CheckResult, ChecksOrigin, Verification
from bot.verify.command import Command, Ran

SETUP = "setup"


async def verify(bench: Bench, task: Task, effect: Verify) -> Verified:
    """Idempotent: a second pass checks the same commit anew."""
    if task.base is None or task.commit is None:
        raise ValueError(f"task {task.id} has no commit to verify")
    started = bench.clock()
    commands, origin = await bench.commands(task, task.base)
    config = await bench.config(task, task.base)
    if not isinstance(config, RepoConfig):
        config = RepoConfig()
    if commands and config.setup:
        commands = (Command(SETUP, config.setup, required=True), *commands)
    if not bench.may_run_checks:
        commands = ()
    results = await _run(bench, task, effect, task.commit, commands, Limits(seconds=config.limits.check_minutes * 60))
    verification = Verification(
        commit=task.commit,
        checks=results,
        origin=origin if commands else ChecksOrigin.NONE,
        sandbox=bench.sandbox,
        started_at=started,
    )
    return Verified(effect.run, effect.attempt, verification)


async def _run(
    bench: Bench, task: Task, effect: Verify, commit: CommitSha, commands: tuple[Command, ...], limits: Limits
) -> tuple[CheckResult, ...]:
    if not commands:
        return ()
    await bench.bring_back(task, commit)
    box = await bench.workspaces.check_out(task.id, commit)
    results: list[CheckResult] = []
    try:
        async for ran in bench.checks.run(box, commands, limits):
            results.append(await _kept(bench, task, effect, ran))
            if ran.command.name == SETUP and ran.exit_code != 0:
                break
    finally:
        await bench.workspaces.drop_checkout(task.id)
    return tuple(results)


async def _kept(bench: Bench, task: Task, effect: Verify, ran: Ran) -> CheckResult:
    name = f"{effect.run}.{effect.attempt}/{ran.command.name}"
    log = await bench.store.keep(task.id, LOG, name, ran.output)
    return CheckResult(
        name=ran.command.name,
        command=ran.command.command,
        required=ran.command.required,
        exit_code=ran.exit_code,
        seconds=round(ran.seconds, 3),
        note=ran.note,
        log=log,
    )

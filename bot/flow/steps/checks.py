"""Verify: run the checks on a clean checkout of the exact commit."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.flow.steps.bench import LOG, Bench
from bot.flow.steps.isolation import PREPARE, surrounded
from bot.flow.steps.limits import boxed, met_by_a_check
from bot.sandbox.databases.names import Purpose
from bot.sandbox.databases.service import DatabaseRefused
from bot.task.effects import Verify
from bot.task.events import Verified
from bot.task.limits import RunLimits
from bot.task.model import Task
from bot.task.repo_config import BadConfig, RepoConfig
from bot.task.results import CheckResult, ChecksOrigin, Verification
from bot.task.secrets import granted
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
    most = (await bench.terms(task)).limits
    setup = Command(SETUP, config.setup, required=True) if config.setup else None
    if commands and setup is not None:
        commands = (setup, *commands)
    if not bench.may_run_checks:
        commands = ()
    secrets = granted(bench.secrets, task.issue.repo.full_name, config.secrets)
    env = {} if isinstance(secrets, BadConfig) else secrets  # refused when the run was prepared
    results = await _run(bench, task, effect, commands, setup, most, env)
    verification = Verification(
        commit=task.commit,
        checks=results,
        origin=origin if commands else ChecksOrigin.NONE,
        sandbox=bench.sandbox,
        started_at=started,
    )
    return Verified(effect.run, effect.attempt, verification)


async def _run(
    bench: Bench,
    task: Task,
    effect: Verify,
    commands: tuple[Command, ...],
    setup: Command | None,
    most: RunLimits,
    env: Mapping[str, str],
) -> tuple[CheckResult, ...]:
    """Each in order. When the set-up fails, the rest would only say so again."""
    if not commands or task.commit is None:
        return ()
    await bench.bring_back(task, task.commit)
    check_out = partial(bench.workspaces.check_out, task.id, task.commit)
    results: list[CheckResult] = []
    try:
        bounds = boxed(most, most.check_minutes.value)
        async with surrounded(bench, task, Purpose.CHECK, check_out) as around:
            async for ran in bench.checks.run(around.box.with_env(**env), commands, bounds):
                met = met_by_a_check(most, ran)
                told = replace(ran, note=f"{ran.note} ({met.setting})") if met else ran
                results.append(await _kept(bench, task, effect, around.hide(told)))
                if ran.command is setup and ran.exit_code != 0:
                    break
    except DatabaseRefused as refused:
        failed = Ran(Command(PREPARE, PREPARE, required=True), None, 0.0, str(refused), b"")
        return (await _kept(bench, task, effect, failed),)
    finally:
        await bench.workspaces.drop_checkout(task.id)
    return tuple(results)


async def _kept(bench: Bench, task: Task, effect: Verify, ran: Ran) -> CheckResult:
    name = f"{effect.run}.{effect.attempt}/{ran.command.name}"
    log = await bench.store.keep(task.id, LOG, name, bench.redactor.data(ran.output))
    return CheckResult(
        name=ran.command.name,
        command=ran.command.command,
        required=ran.command.required,
        exit_code=ran.exit_code,
        seconds=round(ran.seconds, 3),
        note=bench.redactor.text(ran.note),
        log=log,
    )

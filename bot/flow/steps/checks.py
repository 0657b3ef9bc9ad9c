"""Verify: certify the exact commit against its base, and say in short what came out."""

from dataclasses import replace

from bot.flow.steps.bench import CERTIFICATE, LOG, Bench
from bot.flow.steps.isolation import PREPARE
from bot.flow.steps.limits import boxed, met_by_a_check
from bot.flow.steps.shelf import StoreShelf
from bot.flow.trees import SurroundedTrees
from bot.sandbox.databases.service import DatabaseRefused
from bot.task.admission import visible
from bot.task.certificate import CheckVerdict, Filed
from bot.task.codec import encode
from bot.task.effects import Verify
from bot.task.events import Verified
from bot.task.evidence import TestOutcome
from bot.task.history import sends_back
from bot.task.limits import RunLimits
from bot.task.model import Task
from bot.task.repo_config import BadConfig, RepoConfig
from bot.task.results import CheckResult, ChecksOrigin, Proof, Verification
from bot.task.secrets import granted
from bot.verify.certify import Certified, Order, certify
from bot.verify.command import Command, Ran
from bot.verify.findings import places_of, scope, weakened
from bot.verify.run import Rig
from bot.verify.shortest import shortest_log
from bot.words.certificate import complaints
from bot.words.prompt import LOG_TAIL
from bot.workspace.values import InPlace, Layered, Prepared

SETUP = "setup"


async def verify(bench: Bench, task: Task, effect: Verify) -> Verified:
    """Idempotent: a second pass checks the same commit anew."""
    if task.base is None or task.commit is None:
        raise ValueError(f"task {task.id} has no commit to verify")
    started = bench.clock()
    await bench.bring_back(task, task.commit)
    most = (await bench.terms(task)).limits
    rig, origin = await _rig(bench, task, most)
    setup = rig.setup
    prepared = await bench.set_up(task, task.commit) if setup is not None and rig.commands else None
    if isinstance(prepared, Layered):
        rig = replace(rig, setup=None)  # every checkout of this task stands on it
    order = Order(
        base=task.base,
        head=task.commit,
        origin=str(origin),
        sandbox=str(bench.sandbox),
        tools=await bench.checks.tools(rig.commands) if rig.commands else (),
        weakened=weakened(rig.commands),
        scope=scope,
        asked=visible((await bench.store.artifact(task.admitted) or b"").decode()),
    )
    verification = Verification(
        commit=task.commit,
        checks=(),
        origin=origin,
        sandbox=bench.sandbox,
        started_at=started,
    )
    try:
        certified = await certify(rig, order, StoreShelf(bench.store, bench.turns, task.issue.repo))
    except DatabaseRefused as refused:
        failed = Ran(Command(PREPARE, PREPARE, required=True), None, 0.0, str(refused), b"")
        only = await _kept(bench, task, effect, failed)
        return Verified(effect.run, effect.attempt, replace(verification, checks=(only,)))
    ran = [_told(setup, prepared, one.ran) for one in certified.head]
    if setup is not None and isinstance(prepared, Layered):
        output = prepared.output or b"What it makes was there already.\n"
        ran.insert(0, Ran(setup, 0, prepared.seconds, "", output))
    checks = tuple([await _result(bench, task, effect, certified, one, most) for one in ran])
    proof = await _file(bench, task, effect, certified)
    sent_back = sends_back(await bench.store.history(task.id), effect.run, proof)
    verification = replace(verification, checks=checks, proof=proof, sent_back=sent_back)
    return Verified(effect.run, effect.attempt, verification)


async def _rig(bench: Bench, task: Task, most: RunLimits) -> tuple[Rig, ChecksOrigin]:
    """The checks of the base, and none where they may not run."""
    if task.base is None:
        raise ValueError(f"task {task.id} has no base yet")
    commands, origin = await bench.commands(task, task.base)
    config = await bench.config(task, task.base)
    config = RepoConfig() if isinstance(config, BadConfig) else config
    commands = commands if bench.may_run_checks else ()
    secrets = granted(bench.secrets, task.issue.repo.full_name, config.secrets)
    env = {} if isinstance(secrets, BadConfig) else secrets  # refused when the run was prepared
    rig = Rig(
        trees=SurroundedTrees(bench, task, env),
        checks=bench.checks,
        commands=commands,
        setup=Command(SETUP, config.setup, required=True) if config.setup else None,
        limits=boxed(most, most.check_minutes.value),
    )
    return rig, origin if commands else ChecksOrigin.NONE


async def _result(
    bench: Bench, task: Task, effect: Verify, certified: Certified, ran: Ran, most: RunLimits
) -> CheckResult:
    met = met_by_a_check(most, ran)
    told = replace(ran, note=f"{ran.note} ({met.setting})") if met else ran
    kept = await _kept(bench, task, effect, told)
    if not kept.passed:
        clean = bench.redactor  # before anything is cut: half a secret is not known again
        failures = [replace(one, message=clean.text(one.message)) for one in _failures(certified, ran.command.name)]
        short = shortest_log(clean.data(ran.output), failures, LOG_TAIL)
        name = f"{effect.run}.{effect.attempt}/{ran.command.name}.brief"
        kept = replace(kept, brief=await bench.store.keep(task.id, LOG, name, clean.data(short.encode())))
    return replace(kept, excused=_excused(certified, ran.command.name))


def _failures(certified: Certified, name: str) -> tuple[TestOutcome, ...]:
    """What this change broke; all that fails where that is not told."""
    reports = [one.run.report for one in certified.head if one.run.name == name and one.run.report is not None]
    failed = tuple(outcome for report in reports for outcome in report.outcomes if outcome.failed)
    broken = set(certified.certificate.tests.broken)
    return tuple(one for one in failed if broken & {str(one.id), f"{name}: {one.id}"}) or failed


def _told(setup: Command | None, prepared: Prepared | None, ran: Ran) -> Ran:
    """A set-up that had to be run in the checkout says why."""
    if ran.command is setup and ran.exit_code is not None and isinstance(prepared, InPlace) and prepared.why:
        return replace(ran, note=f"set-up was run again: {prepared.why}")
    return ran


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


def _excused(certified: Certified, name: str) -> bool:
    """Its failure is flaky, or the same tests fail on the base. A bare exit code excuses nothing."""
    check = next((check for check in certified.certificate.checks if check.name == name), None)
    if check is None:
        return False
    known = check.verdict is CheckVerdict.PREEXISTING and check.told_by == "tests"
    return known or check.verdict is CheckVerdict.FLAKY


async def _file(bench: Bench, task: Task, effect: Verify, certified: Certified) -> Proof:
    certificate = certified.certificate
    filed = encode(Filed(certificate, places_of(certified))).encode()
    return Proof(
        digest=certificate.digest,
        verdict=certificate.verdict,
        red_first=certificate.red_first.verdict,
        complaints=complaints(certificate),
        artifact=await bench.store.keep(task.id, CERTIFICATE, f"{effect.run}.{effect.attempt}", filed),
    )

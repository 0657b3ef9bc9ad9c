"""What the certificate does to a run: a doubtful proof goes back once, a base is checked once, findings are shown."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.flow.steps.bench import CERTIFICATE
from bot.sandbox.box import Box, Limits
from bot.task.certificate import RedFirstVerdict
from bot.task.codec import decode_filed
from bot.task.events import Verified
from bot.task.history import newest
from bot.task.model import Phase
from bot.task.observed import Conclusion
from bot.verify.command import Command, Ran
from bot.words.prompt import LOG_TAIL
from tests.flow.conversations import FILES, script, turn, write
from tests.tester import SmallBot
from tests.worlds.small_doors import BROKEN, SmallChecks

pytestmark = pytest.mark.anyio

HOLLOW = turn(write("fix.py", "good\n"), write("tests/test_fix.py", "def test_fix():\n    assert 1 + 1 == 2\n"))


@pytest.fixture
async def stubborn(quick_path: Path) -> AsyncIterator[SmallBot]:
    """Its agent's tests prove nothing, whatever it is told."""
    bot = SmallBot(quick_path, script(HOLLOW), dict(FILES))
    await bot.start()
    yield bot
    await bot.stop()


async def reviewed(bot: SmallBot) -> int:
    issue = bot.world.open_issue("Fix the widget")
    bot.world.label(issue)
    await bot.settle()
    assert (await bot.task(issue)).phase is Phase.IN_REVIEW
    return issue


async def test_tests_that_prove_nothing_go_back_once(stubborn: SmallBot) -> None:
    bot = stubborn
    issue = await reviewed(bot)
    task = await bot.task(issue)
    verified = [one.event for one in await bot.store.history(task.id) if isinstance(one.event, Verified)]
    assert [event.verification.sent_back for event in verified] == [True, False]
    assert len(bot.agents.prompts) == 2
    assert "# Your last attempt is not proven" in bot.agents.prompts[1]
    assert "they prove nothing about it" in bot.agents.prompts[1]
    (report,) = bot.world.check_runs.values()
    assert "**Unproven: its tests pass without the change**" in report.summary
    assert report.conclusion is Conclusion.NEUTRAL
    assert '"digest": ' in report.text


async def test_the_certificate_is_kept(stubborn: SmallBot) -> None:
    bot = stubborn
    task = await bot.task(await reviewed(bot))
    verified = newest(await bot.store.history(task.id), Verified)
    assert verified is not None
    proof = verified.verification.proof
    assert proof is not None
    kept = await bot.store.find_artifact(task.id, CERTIFICATE, "1.2")
    assert kept is not None
    filed = decode_filed(kept)
    assert filed is not None
    assert filed.certificate.digest == proof.digest
    assert filed.certificate.red_first.verdict is proof.red_first is RedFirstVerdict.PROVES_NOTHING
    assert filed.certificate.subject.head == verified.verification.commit


async def test_a_second_task_on_a_base_does_not_check_it_again(stubborn: SmallBot) -> None:
    bot = stubborn
    await reviewed(bot)
    asked = bot.checks.commits.copy()
    await reviewed(bot)
    base = bot.world.branches["main"]
    assert asked.count(base) == 1
    assert bot.checks.commits.count(base) == 1
    assert len(bot.checks.commits) > len(asked)


async def test_what_the_issue_asks_for_is_accepted_by_what_was_seen(stubborn: SmallBot) -> None:
    """A ticked box is only a claim."""
    bot = stubborn
    issue = bot.world.open_issue("Fix the widget", "- [x] works on Safari\n- [ ] `test_nowhere` passes\n")
    bot.world.label(issue)
    await bot.settle()
    (pull,) = bot.world.pulls.values()
    assert '**Not verified:** "works on Safari" (criterion 1 of 2)' in pull.body
    assert "(criterion 2 of 2)" in pull.body.partition("**Not met:**")[2]
    assert "Acceptance 0 of 2 · " in pull.body
    (report,) = bot.world.check_runs.values()
    assert "- **not verified**: works on Safari" in report.summary


FAILURE = """\
=================================== FAILURES ===================================
    assert widget() == 2
E   assert 1 == 2
=============================== warnings summary ===============================
"""
LONG = "collecting\n" * 400 + FAILURE + "fix.py:1: a warning that says nothing\n" * 400


class NoisyChecks(SmallChecks):
    """A failure stands between much that explains nothing."""

    async def run(self, box: Box, commands: Sequence[Command], limits: Limits) -> AsyncIterator[Ran]:
        async for ran in super().run(box, commands, limits):
            yield replace(ran, output=LONG.encode()) if ran.exit_code else ran


async def test_the_agent_gets_what_explains_the_failure(quick_path: Path) -> None:
    assert "E   assert 1 == 2" not in LONG[-LOG_TAIL:]
    bot = SmallBot(quick_path, script(turn(write("fix.py", BROKEN))), dict(FILES))
    await bot.start()
    steps = bot.worker.steps
    bot.worker.steps = replace(steps, bench=replace(steps.bench, checks=NoisyChecks(bot.git)))
    task = await bot.task(await reviewed(bot))
    assert "E   assert 1 == 2" in bot.agents.prompts[1]
    assert "says nothing" not in bot.agents.prompts[1]
    verified = newest(await bot.store.history(task.id), Verified)
    assert verified is not None
    (check,) = verified.verification.failures
    assert check.log is not None
    assert await bot.store.artifact(check.log) == LONG.encode()
    (report,) = bot.world.check_runs.values()
    assert "; repaired no check" in report.summary
    await bot.stop()

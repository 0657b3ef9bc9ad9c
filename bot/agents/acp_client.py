"""Drive one turn of any agent that speaks the Agent Client Protocol: one process, one session, one task."""

import asyncio
from collections.abc import Callable

from bot.agents.outcome import timed_out
from bot.agents.progress import ProgressReport
from bot.agents.talk import Talk, Wish
from bot.agents.turn import Turn
from bot.sandbox.box import Limits
from bot.sandbox.running import Running
from bot.task.results import Progress


async def take_turn(running: Running, wish: Wish, limits: Limits, heard: Callable[[Progress], None]) -> Turn:
    """Talk to the agent in `running` until its turn ends; then it and everything it started is gone.

    Never raises for what an agent does. Cancelling tells the agent (for 0.3 s at most), kills the tree and re-raises.
    The process should have a little more time than `limits.seconds`, so that the agent can be told here, too.
    """
    async with ProgressReport(heard) as report, running:
        talk = Talk(running, wish, limits, report)
        try:
            async with asyncio.timeout(limits.seconds) as deadline:
                outcome = await talk.outcome()
        except TimeoutError:
            if not deadline.expired():
                raise
            await talk.call_off()
            outcome = timed_out(limits.seconds)
        except asyncio.CancelledError:
            await talk.call_off()
            raise
        else:
            await talk.leave()
        finally:
            await talk.end()
    return Turn(outcome, talk.session, talk.usage, talk.agent)

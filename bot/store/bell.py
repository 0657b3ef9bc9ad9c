"""Tells the one dispatcher of this process that there may be something to claim."""

import asyncio


class Bell:
    """A ring is kept until somebody heard it, so that none is lost between a look and the wait after it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits, or the next one who comes."""
        self._rung.set()

    async def heard(self, seconds: float) -> None:
        """Return after a ring since the last return, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

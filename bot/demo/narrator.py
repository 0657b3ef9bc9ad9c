"""What the demo says in the terminal, while it happens."""

from datetime import datetime

from rich.console import Console
from rich.markup import escape

from bot.task.history import Recorded
from bot.words.timeline import line


class Narrator:
    """Tells the story on one console. `quiet`: nothing but the end, for `--json`."""

    def __init__(self, console: Console, started: datetime, *, quiet: bool) -> None:
        self._console = console
        self._started = started
        self._quiet = quiet

    def act(self, who: str, does: str) -> None:
        """A person does something."""
        self._line(f"[bold cyan]{escape(who):>11}[/]  {escape(does)}")

    def happened(self, recorded: Recorded) -> None:
        """The bot recorded something."""
        seconds = (recorded.at - self._started).total_seconds()
        self._line(f"[dim]{seconds:>8.1f} s[/]   [green]·[/] {escape(line(recorded.event).text)}")

    def note(self, text: str) -> None:
        """A word to the reader."""
        self._line(f"[dim]{escape(text)}[/]")

    def head(self, text: str) -> None:
        """A new scene."""
        self._line(f"\n[bold]{escape(text)}[/]")

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, highlight=False, soft_wrap=True)  # commands stay whole

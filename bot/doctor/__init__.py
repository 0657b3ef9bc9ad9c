"""What is missing, and the exact mend: looks at everything, changes nothing, works while `serve` runs."""

from bot.doctor.examine import examine, examine_here
from bot.doctor.finding import Finding, Level, exit_code, report

__all__ = ["Finding", "Level", "examine", "examine_here", "exit_code", "report"]

"""What is missing, and the exact mend: looks at everything, changes nothing, works while `serve` runs."""

from bot.doctor.examine import examine
from bot.doctor.finding import Finding, Level, exit_code, report

__all__ = ["Finding", "Level", "examine", "exit_code", "report"]

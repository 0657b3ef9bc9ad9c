"""Are the known agents of the operator's file installed, in the version that was tested?"""

from collections.abc import Iterator
from pathlib import Path

from bot.agents.catalogue import known
from bot.doctor.finding import Finding, bad, ok, warn
from bot.operator.model import OperatorFile


def installations(file: OperatorFile) -> Iterator[Finding]:
    """One finding for each agent with a profile; `decide` has seen that the profile is known and the folder there."""
    for name, section in file.agents.items():
        agent = known().get(section.profile or "")
        if agent is None or section.install is None:
            continue
        folder = Path(section.install)
        there, mend = agent.installed(folder), f"Run `{agent.installing(folder)}`."
        if there is None:
            yield bad(f"Agent {name}: {agent.name} is not installed in {folder}.", mend)
        elif there == agent.version:
            yield ok(f"Agent {name}: {agent.name} {there} in {folder}, the version that was tested.")
        else:
            yield warn(f"Agent {name}: {agent.name} {there} in {folder}; {agent.version} is the one tested.", mend)

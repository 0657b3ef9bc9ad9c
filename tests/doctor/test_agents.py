"""What the doctor says of known agents."""

from pathlib import Path

from bot.agents.catalogue import known
from bot.doctor.agents import installations
from bot.doctor.finding import Level
from bot.operator.read import parse


def told(folder: Path) -> tuple[Level, str, str]:
    text = f"[agents.c]\nprofile = 'claude'\ninstall = '{folder}'\nasks_for = 'm'"
    (finding,) = installations(parse(text, folder / "issuewright.toml"))
    return finding.level, finding.what, finding.mend


def test_how_to_install_and_the_version_that_is_there(tmp_path: Path) -> None:
    agent = known()["claude"]
    mend = f"Run `npm install --ignore-scripts --prefix {tmp_path} {agent.name}@{agent.version}`."
    assert told(tmp_path) == (Level.BAD, f"Agent c: {agent.name} is not installed in {tmp_path}.", mend)
    manifest = tmp_path / "node_modules" / agent.name / "package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"version": "0.1.0"}')
    level, text, again = told(tmp_path)
    assert (level, again) == (Level.WARN, mend)
    assert text == f"Agent c: {agent.name} 0.1.0 in {tmp_path}; {agent.version} is the one tested."
    manifest.write_text(f'{{"version": "{agent.version}"}}')
    assert told(tmp_path)[0] is Level.OK


def test_other_agents_are_not_judged() -> None:
    assert list(installations(parse("[agents.mine]\ncommand = 'x'", Path("x")))) == []

"""The operator's file: a whole one, and one sentence with a line for each mistake."""

from pathlib import Path

import pytest

from bot.operator.model import OperatorFile
from bot.operator.read import parse, read
from bot.settings import Settings, SettingsError

FILE = Path("/srv/bot/issuewright.toml")

WHOLE = """
paused = "moving house"
agent = "mine"

[limits]
minutes = 45
max_parallel = 8

[budget]
task_minutes = 120
month_minutes = 6000

[repository]
may_override = ["checks", "setup"]

[repositories."octo/widgets"]
paused = true
agent = "mine"
agents = ["mine"]
limits = { lines = 400 }
budget = { month_minutes = 600 }

[agents.mine]
command = "my-agent --acp"
env = { MODE = "quiet" }
resume = "none"

[toolchains]
folders = ["/opt/node"]
path = ["/opt/node/bin"]
"""


def test_a_whole_file() -> None:
    file = parse(WHOLE, FILE)
    one = file.repositories["octo/widgets"]
    assert (file.paused, file.limits.minutes, one.limits.lines, one.paused) == ("moving house", 45, 400, True)
    assert file.agents["mine"].env == {"MODE": "quiet"}


def test_no_file_is_an_empty_file_unless_it_was_named(tmp_path: Path) -> None:
    assert read(Settings(data_dir=tmp_path)) == parse("", FILE) == OperatorFile()
    missing = tmp_path / "mine.toml"
    with pytest.raises(SettingsError, match=f"ISSUEWRIGHT_CONFIG {missing} is not there"):
        read(Settings(data_dir=tmp_path, config=missing))
    (tmp_path / "issuewright.toml").write_text("agent = 'here'")
    missing.write_text("agent = 'there'")
    assert read(Settings(data_dir=tmp_path)).agent == "here"
    assert read(Settings(data_dir=tmp_path, config=missing)).agent == "there"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nlimit = 3", "line 2: unknown key `limit` (did you mean `limits`?)"),
        ("[limits]\n\nminuts = 3", "line 3: unknown key `limits.minuts` (did you mean `minutes`?)"),
        ("[limits]\nminutes = 0", "line 2: `limits.minutes`: input should be greater than 0"),
        ("[limits]\nusd = 5", "line 2: unknown key `limits.usd`"),
        (
            '[repositories."octo/widgets"]\npaused = true\n[repositories."octo/widgets".limits]\nfils = 3',
            'line 4: unknown key `repositories."octo/widgets".limits.fils` (did you mean `files`?)',
        ),
        (
            '[repositories."octo/widgets"]\nlimits = { fils = 3 }',
            'line 2: unknown key `repositories."octo/widgets".limits',
        ),
        ("[repositories.widgets]\npaused = true", "line 1: `repositories.widgets`: string should match pattern"),
        ("[repository]\nmay_override = ['check']", "line 2: `repository.may_override.0`: input should be"),
        ("[agents.mine]\nprotocol = 'acq'", "line 2: `agents.mine.protocol`: input should be"),
        ("agents.mine.comand = 'x'", "line 1: unknown key `agents.mine.comand` (did you mean `command`?)"),
        ("\npaused =", "is not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, FILE)
    assert str(caught.value).startswith(str(FILE))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith("?.")


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "issuewright.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=str(path)):
        read(Settings(data_dir=tmp_path))

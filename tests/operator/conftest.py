"""An operator with a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.operator.decided import Decided, decide
from bot.settings import Settings

Says = Callable[..., Decided]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    """What is decided by this file in the data folder, and by these settings of the environment."""

    def decided(text: str, **more: Any) -> Decided:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        (data / "issuewright.toml").write_text(text)
        given: dict[str, Any] = {"data_dir": data, "agent_command": "env-agent --acp"}
        return decide(Settings(**{**given, **more}))

    return decided

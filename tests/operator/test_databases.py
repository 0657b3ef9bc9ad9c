"""`[databases.NAME]` of the operator's file: what is offered, and what is wrong with it in one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.operator.databases import isolation
from bot.operator.read import parse
from bot.sandbox.capability import Capability
from bot.sandbox.isolation import Isolation
from bot.sandbox.process import Sandbox
from bot.settings import Settings, SettingsError
from bot.task.results import SandboxLevel


@pytest.fixture
def offer(tmp_path: Path) -> Callable[..., Isolation]:
    """What this text offers; the file lies in the data folder."""
    sandbox = Sandbox(Capability(SandboxLevel.CHECKOUT, "As if."))

    def offered(text: str, url: str = "sqlite:///bot.db") -> Isolation:
        settings = Settings(data_dir=tmp_path, database_url=url)
        return isolation(settings, parse(text, tmp_path / "issuewright.toml"), sandbox)

    (tmp_path / "url").write_text("postgresql://admin:pw@127.0.0.1:5433/postgres\n")
    (tmp_path / "env").write_text("# a note\nTOKEN=a=b\n\nREGION=x\n")
    return offered


def test_sqlite_is_always_offered(offer: Callable[..., Isolation]) -> None:
    assert offer("").known() == {"sqlite"}


def test_services_by_the_name_that_a_repository_asks_for(offer: Callable[..., Isolation]) -> None:
    found = offer(
        '[databases.main]\nkind = "postgresql"\nurl_file = "url"\n'
        '[databases.neon]\nkind = "command"\ncreate = ["/bin/c"]\ndrop = ["/bin/d", "-f"]\nenv_file = "env"\n'
    )
    assert found.known() == {"sqlite", "postgresql", "neon"}
    assert found.has_templates("postgresql")
    assert found.services["neon"].env == {"TOKEN": "a=b", "REGION": "x"}  # type: ignore[attr-defined]
    assert "a=b" not in repr(found)
    assert "pw" not in repr(found)


def test_schemas_have_no_templates(offer: Callable[..., Isolation]) -> None:
    assert not offer('[databases.main]\nkind = "postgresql"\nurl_file = "url"\nmode = "schema"\n').has_templates(
        "postgresql"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[databases.a]\nkind = "postgresql"', "`databases.a.url_file` is missing"),
        ('[databases.a]\nkind = "postgresql"\nurl_file = "none"', "`databases.a.url_file`: .* cannot be read"),
        ('[databases.a]\nkind = "postgresql"\nurl_file = "env"', "`databases.a.url_file` does not hold a URL"),
        (
            '[databases.a]\nkind = "command"\ncreate = ["c"]',
            "`databases.a.create` names no program",
        ),
        ('[databases.sqlite]\nkind = "command"', "sqlite is the name of something else"),
        ('[databases.a]\nkind = "mysql"', "line 2: `databases.a.kind`"),
        ('[databases.a]\nkind = "command"\nurl = "x"', "line 3: unknown key `databases.a.url`"),
        (
            '[databases.a]\nkind = "command"\ncreate = ["/c"]\ndrop = ["/d"]\nenv_file = "url"',
            "`databases.a.env_file` has a line that is not NAME=VALUE",
        ),
        (
            '[databases.a]\nkind = "postgresql"\nurl_file = "url"\n'
            '[databases.b]\nkind = "postgresql"\nurl_file = "url"',
            "`databases.b`: there is another one of kind postgresql",
        ),
    ],
)
def test_what_is_wrong_is_said(offer: Callable[..., Isolation], text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        offer(text)

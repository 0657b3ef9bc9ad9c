"""Models, registries and secrets of the operator's file."""

from pathlib import Path

import pytest

from bot.settings import SettingsError
from bot.task.secrets import Secret
from bot.task.usage import Price
from tests.operator.conftest import Says

MINE = '[agents.mine]\ncommand = "a"\n[agents.yours]\ncommand = "b"\nmodel = "small"\n'
SHARED = 'agent = "mine"\nmodel = "large"\n'


def model(name: str, key: Path, more: str = "") -> str:
    return f"[models.{name}]\nwire = 'anthropic'\nurl = 'https://vendor.example/v1'\nkey_file = '{key}'\n{more}\n"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("sk-1\n")
    return tmp_path / "key"


def test_agents_call_the_model_that_is_named(says: Says, key: Path) -> None:
    price = "price = {input = 3, output = 15, dated = '2026-11-21'}\nmodels = ['large-1']\nmax_output = 9"
    text = SHARED + MINE + model("large", key, price) + model("small", key)
    routes = says(text, agent_command="").outside.routes
    assert {agent: route.name for agent, route in routes.items()} == {"mine": "large", "yours": "small"}
    large = routes["mine"]
    assert (large.key, large.models, large.max_output) == ("sk-1", ("large-1",), 9)
    assert large.price_of("x") == Price(3, 15, dated="2026-11-21")
    assert "sk-1" not in repr(large)


def test_without_models_there_is_no_way_out(says: Says) -> None:
    assert says("").outside.routes == {}


def test_registries_and_secrets(says: Says, key: Path) -> None:
    text = (
        "[registries.packages]\nurl = 'https://r.example/'\nalso = ['https://f.example']\nenv = {I = '{url}/simple'}\n"
        f"[secrets.TOKEN]\nfile = '{key}'\nrepositories = ['Octo/Widgets']\n"
    )
    found = says(text).outside
    assert (found.registries[0].name, found.registries[0].also) == ("packages", ("https://f.example",))
    assert found.secrets["TOKEN"] == Secret("sk-1", frozenset({"octo/widgets"}))
    assert found.known_secrets == ("sk-1",)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("model = 'none'", "`model` in issuewright.toml names none; the models are large"),
        ("[budget]\ntask_usd = 5", "`budget.task_usd` in the operator's issuewright.toml limits money, but the model"),
        ("[repositories.'o/w'.budget]\nmonth_usd = 5", "set `models.large.price`"),
        ("[secrets.TOKEN]\nenv = 'NOT_THERE_AT_ALL'", "the variable NOT_THERE_AT_ALL is empty"),
        (
            "[secrets.TOKEN]\nrepositories = []",
            "`secrets.TOKEN` in issuewright.toml: set `env` or `file`, one of the two",
        ),
        ("[models.x]\nwire = 'telex'\nurl = 'https://a.example'", "`models.x.wire`"),
        ("[models.x]\nwire = 'gemini'\nurl = 'https://u:p@a.example'", "`models.x.url`"),
        (
            "[models.x]\nwire = 'gemini'\nurl = 'https://a.example'\nallow=['web']",
            "names web; known are web_search",
        ),
        ("[models.x]\nwire = 'gemini'\nurl = 'https://a.example'\nkey_file='/not/there'", "cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(says: Says, key: Path, more: str, complaint: str) -> None:
    shared = "" if more.startswith("model") else "model = 'large'\n"
    text = f"agent = 'mine'\n{shared}{more if not shared else ''}\n{MINE.replace('small', 'large')}"
    with pytest.raises(SettingsError) as refused:
        says(text + model("large", key) + (more if shared else ""), agent_command="")
    assert complaint in str(refused.value)


def test_a_folder_with_a_key_is_not_shown(says: Says, key: Path) -> None:
    text = SHARED + MINE.replace("small", "large") + model("large", key) + f"[toolchains]\nfolders = ['{key.parent}']"
    with pytest.raises(SettingsError, match=r"it holds (models.large.key_file|ISSUEWRIGHT_DATA_DIR)"):
        says(text, agent_command="")

"""A repository gets the secrets that the operator granted to it, and no others."""

from bot.task.repo_config import BadConfig
from bot.task.secrets import Secret, granted

SECRETS = {"TOKEN": Secret("s3cret", frozenset({"octo/widgets"}))}


def test_what_is_granted() -> None:
    assert granted(SECRETS, "Octo/Widgets", ["TOKEN"]) == {"TOKEN": "s3cret"}
    assert granted(SECRETS, "octo/widgets", []) == {}


def test_what_is_not() -> None:
    other, unknown = granted(SECRETS, "octo/other", ["TOKEN"]), granted(SECRETS, "octo/widgets", ["KEY"])
    assert isinstance(other, BadConfig)
    assert isinstance(unknown, BadConfig)
    assert "asks for TOKEN, which this server does not grant to octo/other" in other.reason
    assert "`secrets.KEY.repositories` in the operator's issuewright.toml" in unknown.reason


def test_values_are_not_shown() -> None:
    assert "s3cret" not in repr(SECRETS)

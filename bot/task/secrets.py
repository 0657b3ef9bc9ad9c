"""Secrets that the operator grants to repositories, for their set-up and checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.task.limits import OPERATOR_FILE
from bot.task.repo_config import PATH, BadConfig


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and who may ask for it."""

    value: str = field(repr=False)
    repositories: frozenset[str]
    """Full names in lower case."""


def granted(secrets: Mapping[str, Secret], full_name: str, names: Sequence[str]) -> dict[str, str] | BadConfig:
    """The values of what a repository asks for. One that is not granted and one that is not there look the same."""
    values: dict[str, str] = {}
    for name in names:
        secret = secrets.get(name)
        if secret is None or full_name.lower() not in secret.repositories:
            return BadConfig(
                f"`secrets` in `{PATH}` asks for {name}, which this server does not grant to {full_name} "
                f"(`secrets.{name}.repositories` in the operator's {OPERATOR_FILE})."
            )
        values[name] = secret.value
    return values

"""What sandboxes may reach outside, as the operator decided: models with their keys, registries, secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.operator.model import OperatorFile
from bot.operator.outside_model import ModelSection, PriceSection
from bot.sandbox.egress.features import NAMED, known
from bot.sandbox.egress.values import Registry, Route
from bot.settings import SettingsError, variable
from bot.task.limits import OPERATOR_FILE, UNLIMITED
from bot.task.rules import Rulebook
from bot.task.secrets import Secret
from bot.task.usage import Price


@dataclass(frozen=True, slots=True)
class Outside:
    """All of it."""

    routes: Mapping[str, Route]
    """Models, by the name of the agent."""
    registries: tuple[Registry, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """Values that are never shown."""
        keys = (route.key for route in self.routes.values())
        return (*keys, *(secret.value for secret in self.secrets.values()))


def key_files(file: OperatorFile) -> list[tuple[str, Path]]:
    """Files that no sandbox may see: what each is, and where."""
    named = [(f"models.{name}.key_file", one.key_file) for name, one in file.models.items()]
    named += [(f"secrets.{name}.file", one.file) for name, one in file.secrets.items()]
    return [(what, Path(place)) for what, place in named if place is not None]


def outside(file: OperatorFile, agents: Mapping[str, object], rulebook: Rulebook) -> Outside:
    """Raises SettingsError with one sentence that names the setting."""
    models = {name: _route(name, section) for name, section in file.models.items()}
    routes: dict[str, Route] = {}
    for agent in agents:
        section = file.agents.get(agent)
        chosen, setting = (
            (section.model, f"agents.{agent}.model") if section and section.model else (file.model, "model")
        )
        if chosen is None:
            continue
        if chosen not in models:
            offered = ", ".join(sorted(models)) or "none"
            raise SettingsError(f"`{setting}` in {OPERATOR_FILE} names {chosen}; the models are {offered}.")
        routes[agent] = models[chosen]
    _priced(routes, rulebook)
    secrets = {
        name: Secret(
            _value(f"secrets.{name}", one.env, one.file, ("env", "file")),
            frozenset(repository.lower() for repository in one.repositories),
        )
        for name, one in file.secrets.items()
    }
    registries = tuple(Registry(name, one.url, one.also, one.env) for name, one in file.registries.items())
    return Outside(routes, registries, secrets)


def _route(name: str, section: ModelSection) -> Route:
    for feature in section.allow:
        if not known(feature):
            raise SettingsError(
                f"`models.{name}.allow` in {OPERATOR_FILE} names {feature}; known are {', '.join(NAMED)}, "
                "and `tool:`, `field:`, `part:`, `beta:` with a name behind."
            )
    return Route(
        name=name,
        wire=section.wire,
        url=section.url,
        key=_value(f"models.{name}", section.key_env, section.key_file, ("key_env", "key_file")),
        models=section.models,
        max_output=section.max_output or 0,
        price=_price(section.price),
        prices={model: price for model, one in section.prices.items() if (price := _price(one))},
        allow=section.allow,
        proxy=section.proxy,
    )


def _price(section: PriceSection | None) -> Price | None:
    if section is None:
        return None
    return Price(section.input, section.output, section.cached, section.written, section.dated)


def _priced(routes: Mapping[str, Route], rulebook: Rulebook) -> None:
    """A limit in money that cannot be kept is refused."""
    for rules in (rulebook.others, *rulebook.own.values()):
        for bound in (rules.limits.usd, rules.month_usd, rules.server_usd):
            for agent, route in routes.items():
                if bound.value != UNLIMITED and route.price is None and not route.prices:
                    raise SettingsError(
                        f"{bound.setting} limits money, but the model of agent {agent} has no price: "
                        f"set `models.{route.name}.price` in {OPERATOR_FILE}."
                    )


def _value(section: str, env: str | None, file: str | None, keys: tuple[str, str]) -> str:
    """The secret, from the one place that is named."""
    if (env is None) == (file is None):
        raise SettingsError(f"`{section}` in {OPERATOR_FILE}: set `{keys[0]}` or `{keys[1]}`, one of the two.")
    if env is not None:
        value, place = variable(env), f"`{section}.{keys[0]}` in {OPERATOR_FILE}: the variable {env}"
    else:
        place = f"`{section}.{keys[1]}` in {OPERATOR_FILE}: {file}"
        try:
            value = Path(str(file)).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{place} cannot be read: {error}.") from error
    if not value:
        raise SettingsError(f"{place} is empty.")
    if any(not character.isprintable() for character in value) and keys[0] == "key_env":
        raise SettingsError(f"{place} holds no key: a key has one line.")
    return value

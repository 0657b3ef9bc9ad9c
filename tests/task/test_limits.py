"""The operator's limits over the repository's wishes: what holds, and every sentence names value and setting."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.task.budget import Spent, tightest
from bot.task.limits import RunLimits, narrowed, operators, too_large
from bot.task.repo_config import BadConfig, LimitsConfig, RepoConfig, parse
from bot.task.results import FileChange
from bot.task.rules import Rulebook, Rules, Terms, agree, not_allowed


def test_a_repository_may_ask_for_less() -> None:
    limits, notes = narrowed(RunLimits(), LimitsConfig(minutes=5, lines=100))
    assert (limits.minutes.value, limits.lines.value, limits.attempts.value) == (5, 100, 3)
    assert limits.minutes.setting == "`limits.minutes` in `.github/issuewright.yml`"
    assert notes == ()


@pytest.mark.parametrize("wish", [60, 60.0, 59.9])
def test_what_is_not_above_the_limit_is_granted(wish: float) -> None:
    assert narrowed(RunLimits(), LimitsConfig(minutes=wish))[1] == ()


def test_a_wish_above_the_limit_is_told_and_not_granted() -> None:
    limits, notes = narrowed(RunLimits(), LimitsConfig(minutes=90, files=2500, attempts=2))
    assert (limits.minutes.value, limits.files.value, limits.attempts.value) == (60, 2000, 2)
    assert notes == snapshot(
        (
            "`limits.minutes: 90` in `.github/issuewright.yml` is more than this server allows; "
            "60 holds (`limits.minutes` in the operator's issuewright.toml).",
            "`limits.files: 2,500` in `.github/issuewright.yml` is more than this server allows; "
            "2,000 holds (`limits.files` in the operator's issuewright.toml).",
        )
    )


def test_a_change_that_is_too_large() -> None:
    files = (FileChange("a", "M", 30, 20), FileChange("logo.png", "A", None, None))
    limits = RunLimits(files=operators("limits.files", 1), lines=operators("limits.lines", 49))
    assert too_large(files, limits) == snapshot(
        (
            "2 files are changed; at most 1 may be (`limits.files` in the operator's issuewright.toml).",
            "50 lines are added or removed; at most 49 may be (`limits.lines` in the operator's issuewright.toml).",
        )
    )
    roomier = replace(limits, files=operators("limits.files", 2), lines=operators("limits.lines", 50))
    assert too_large(files, roomier) == ()


def test_keys_that_are_withheld() -> None:
    config = parse(b"setup: make\nchecks: {t: make test}\nlimits: {minutes: 3}\n")
    assert isinstance(config, RepoConfig)
    refused = agree(Rules(may_override=("checks", "limits")), config)
    assert isinstance(refused, BadConfig)
    assert refused.reason == snapshot(
        "`.github/issuewright.yml` may not set `setup` on this server; it may set checks, limits "
        "(`repository.may_override` in the operator's issuewright.toml)."
    )
    granted = agree(Rules(), config)
    assert isinstance(granted, Terms)
    assert granted.limits.minutes.value == 3


def test_an_agent_that_may_not_work_for_a_repository() -> None:
    rules = Rules(agents=("a", "b"), agents_setting="`agents`")
    assert not_allowed(rules, "b") == ""
    assert not_allowed(rules, "c") == "the agent `c` may not work here; a, b may (`agents`)."
    assert not_allowed(Rules(), "c") == ""


def test_repositories_are_known_regardless_of_case() -> None:
    own = Rules(agent="x")
    book = Rulebook(own={"octo/widgets": own})
    assert book.of("Octo/Widgets") is own
    assert book.of("octo/other") is book.others


def test_the_budget_that_ends_first() -> None:
    rules = Rules(
        task_minutes=operators("budget.task_minutes", 10),
        month_minutes=operators("budget.month_minutes", 100),
        server_minutes=operators("budget.month_minutes", 200),
    )
    assert tightest(rules, Spent(4, 50, 50)).left == 6
    assert tightest(rules, Spent(4, 97, 97)).left == 3
    assert tightest(rules, Spent(4, 50, 199)).left == 1
    over = tightest(rules, Spent(12.34, 50, 50))
    assert over.left == 0
    assert over.sentence == snapshot(
        "12.3 of 10 agent minutes of this task are used (`budget.task_minutes` in the operator's issuewright.toml)."
    )
    assert tightest(Rules(), Spent(1e9, 1e9, 1e9)).left > 0

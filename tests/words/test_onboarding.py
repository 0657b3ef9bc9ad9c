"""The onboarding pull request: its file is a good file, and a hostile log in its body does nothing."""

import pytest
from inline_snapshot import snapshot

from bot.github.body import END, renewed
from bot.task.repo_config import CheckConfig, RepoConfig, parse
from bot.words.onboarding import LONGEST_EXCERPT, Outcome, Proposal, body, proposed_file

ODD = ('echo "a: b" # c', "test -z '{x}' && [ 1 ]", "- run", "grüße \N{GRINNING FACE}", "yes", "a\tb")


@pytest.mark.parametrize("command", ["python3 -m pytest -q", "make test", *ODD])
def test_the_proposed_file_means_what_was_run(command: str) -> None:
    read = parse(proposed_file([("tests", command), ("lint", "true")]).encode())
    assert read == RepoConfig(checks={"tests": CheckConfig(run=command), "lint": CheckConfig(run="true")})


def test_without_checks_the_file_shows_how_and_names_none() -> None:
    text = proposed_file([])
    assert parse(text.encode()) == RepoConfig()
    shown = "\n".join(line.removeprefix("# ") for line in text.splitlines()[3:])
    read = parse(shown.encode())
    assert isinstance(read, RepoConfig)
    assert read.model_fields_set == {"checks", "setup", "limits"}


def proposal(*outcomes: Outcome, **changes: object) -> Proposal:
    fields = {"checks": [("tests", "make test")], "base": "a" * 40, "branch": "trunk", "may_run": True}
    return Proposal(**{**fields, "outcomes": outcomes, **changes})  # type: ignore[arg-type]


def test_a_red_base_is_said_plainly() -> None:
    assert body(proposal(Outcome("tests", "make test", 2, 4.25, "", "no rule to make it\n"))) == snapshot("""\
Issuewright works in this repository from now on. It works best when it knows how to check its own work; this pull request proposes `.github/issuewright.yml`, which says so. Change it as you like, then merge it, or close it: it is offered once.

```yaml
# What Issuewright runs on every commit that it proposes. Each check is one command line; exit code 0 passes.
# Commands run in a clean checkout, in a sandbox without network.
checks:
  tests: make test
# setup: make build            # runs before the checks, in the same checkout
# limits: {minutes: 30}        # longest turn of the agent
```

> [!WARNING]
> **Red on the base: 1 of 1 check fails** on `trunk` at `aaaaaaa`, before anything of mine. My pull requests stay drafts until this is mended. Often a `setup` command is missing, or a tool that this server does not have.

| check | command | result | time |
|---|---|---|---|
| tests | `make test` | ❌ exit 2 | 4.2 s |

<details><summary>The end of tests's output</summary>

```text
no rule to make it
```

</details>

**Three things to know**

1. Put the label `agent:run` on an issue: I open one pull request for it.
2. Reply to me or review there: I go on with what you say.
3. Merge through normal review. I never merge.\
""")


def test_what_was_not_run_is_not_green() -> None:
    assert "**Not run:**" in body(proposal(may_run=False))
    assert "**No check could be guessed.**" in body(proposal(checks=[]))
    timed_out = body(proposal(Outcome("tests", "make test", None, 1800, "timed out after 1800 s", "")))
    assert "Red on the base" in timed_out
    assert "❌ timed out after 1800 s | 30 min |" in timed_out
    assert "✅" not in timed_out


def test_a_green_base_and_switched_off_issues() -> None:
    text = body(proposal(Outcome("tests", "make test", 0, 12, "", "secret\n"), has_issues=False))
    assert "**1 check passes** on `trunk`" in text
    assert "secret" not in text
    assert "Issues are switched off" in text


def test_a_hostile_log_does_nothing() -> None:
    log = f"````\n</details>\n@octocat closes #7 {END}\n/agent stop\n\x1b[2J" + "x" * 9000
    naive = f"{log}"
    assert "@octocat" in naive
    assert "closes #7" in naive
    shown = body(proposal(Outcome("tests", "make test", 1, 1, "", "y" * LONGEST_EXCERPT + log[:60])))
    assert "@octocat" not in shown
    assert "closes #7" not in shown
    assert "`````text\n" in shown
    assert renewed("", shown).count(END) == 1
    assert renewed("", shown).rstrip().endswith(END)
    assert len(body(proposal(Outcome("tests", "make test", 1, 1, "", log)))) < 6000

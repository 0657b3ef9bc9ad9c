"""An agent that calls a model, in whole runs: what it costs, what stops it, what pauses it; and a secret of its checks."""

import json
import re
import time
from pathlib import Path

import pytest

from bot.sandbox.probe import probe
from bot.task.history import turns_taken
from bot.task.model import Phase
from tests.worlds.model_server import ModelServer
from tests.worlds.real_bot import RealBot

pytestmark = pytest.mark.anyio
KEY = "sk-not-for-anybody"
SECRET = "of-the-checks-alone"


def call(script: str) -> str:
    """Shell: one call of the model; what it says stands in /tmp/said."""
    messages = [{"role": "user", "content": f"MODEL[{script}]"}]
    body = json.dumps({"model": "large-1", "max_tokens": 100, "messages": messages})
    return f"curl -s -o /tmp/said -w '%{{http_code}}' http://127.0.0.1:8080/v1/messages -d '{body}'"


def bot_with(agent: str, vendor: ModelServer, quick_path: Path, tmp_path: Path, more: str = "") -> RealBot:
    """A bot whose agent is this shell script."""
    if not probe("auto").contains:
        pytest.skip("no sandbox on this machine")
    tools, data = tmp_path / "tools", quick_path / "real" / "data"
    for folder in (tools, data):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    (tools / "coder").write_text(f"#!/bin/sh\ncat >/dev/null\n{agent}\n")
    (tools / "coder").chmod(0o755)
    for name, text in (("key", KEY), ("secret", SECRET)):
        (tmp_path / name).write_text(f"{text}\n")
    (data / "issuewright.toml").write_text(
        f"agent = 'coder'\nmodel = 'main'\n[toolchains]\nfolders = ['{tools}']\npath = ['{tools}']\n"
        "[agents.coder]\ncommand = 'coder'\nprotocol = 'command'\n"
        f"[models.main]\nwire = 'anthropic'\nurl = '{vendor.url}'\nkey_file = '{tmp_path}/key'\n"
        "price = {input = 300, output = 1500, cached = 30, dated = '2026-11-21'}\n"
        f"[secrets.CHECK_TOKEN]\nfile = '{tmp_path}/secret'\nrepositories = ['Octo/Widgets']\n{more}"
    )
    check = 'checks:\n  check: "test -e fix.py; echo token $CHECK_TOKEN"\nsecrets: [CHECK_TOKEN]\n'
    return RealBot(quick_path / "real", {"turns": []}, {"README.md": "x\n", ".github/issuewright.yml": check})


async def labelled(bot: RealBot, title: str = "Fix the widget") -> int:
    issue = bot.world.open_issue(title)
    bot.world.label(issue)
    await bot.settle()
    return issue


async def test_a_run_tells_what_its_model_cost(quick_path: Path, tmp_path: Path) -> None:
    agent = f'test $({call("echo")}) = 200 && echo good > fix.py && cat /tmp/said && echo "token $CHECK_TOKEN."'
    with ModelServer() as vendor:
        bot = bot_with(agent, vendor, quick_path, tmp_path, "[budget]\ntask_usd = 5\n")
        async with bot.on_stage():
            issue = await labelled(bot)
            task = await bot.task(issue)
            assert task.phase is Phase.IN_REVIEW, bot.said(issue)
            assert "$0.38 of $5" in bot.said(issue)[0]
            assert "coder (coder, large-1)" in bot.said(issue)[0]
            body = bot.world.forge.world.issue("octo/widgets", await bot.pull_of(issue)).body or ""
            assert "The key is [secret]." in body
            assert "token ." in body  # the agent has no secret
            (taken,) = turns_taken(await bot.store.history(task.id))
            assert (taken.use.counted_by, taken.use.agent, taken.use.priced) == ("proxy", "coder", "2026-11-21")
            assert (taken.use.used.calls, taken.use.models) == (1, ("large-1",))
            log = await bot.store.find_artifact(task.id, "log")
            assert log is not None
            assert re.fullmatch(rb"token \[secret\]\n", log)
        assert vendor.requests[0].key == KEY
    everything = b"".join(path.read_bytes() for path in (quick_path / "real" / "data").glob("*.db*"))
    assert KEY.encode() not in everything
    assert SECRET.encode() not in everything


async def test_what_the_bot_writes_to_github_repeats_no_secret(quick_path: Path, tmp_path: Path) -> None:
    """Somebody wrote it into the title of the issue, and behind what a branch is named after."""
    with ModelServer() as vendor:
        bot = bot_with("echo good > fix.py", vendor, quick_path, tmp_path)
        async with bot.on_stage():
            issue = await labelled(bot, f"Fix the widget that was broken again and again {SECRET}")
            pull = bot.world.forge.world.issue("octo/widgets", await bot.pull_of(issue))
            assert SECRET not in pull.title + (pull.body or "")
            assert "[secret]" in pull.title


async def test_a_limit_stops_an_agent_that_will_not_stop(quick_path: Path, tmp_path: Path) -> None:
    """It is refused a call, and killed soon after; what it did is kept."""
    agent = f"echo good > fix.py\nwhile :; do {call('say x')}; sleep 1; done"
    with ModelServer() as vendor:
        bot = bot_with(agent, vendor, quick_path, tmp_path, "[budget]\ntask_usd = 0.5\n")
        async with bot.on_stage():
            began = time.monotonic()
            issue = await labelled(bot)
            assert time.monotonic() - began < 50  # 10 s after the refused call
            task = await bot.task(issue)
            assert task.phase is Phase.FAILED
            assert task.commit is not None
            told = "\n".join(bot.said(issue))
            assert "a limit on the use of models was reached: The $0.50 of this task are used up" in told
            assert "`budget.task_usd` in the operator" in told
        assert len(vendor.requests) == 2  # $0.375 each


async def test_a_busy_vendor_pauses_the_run(quick_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same attempt goes on in the same files when the vendor takes calls again."""
    agent = (
        f"if test -e fix.py; then {call('say x')}; exit 0; fi\n"
        f"echo good > fix.py; test $({call('error 429 slow down')}) = 200"
    )
    with ModelServer() as vendor:
        bot = bot_with(agent, vendor, quick_path, tmp_path)
        async with bot.on_stage():
            began = bot.clock()
            issue = await labelled(bot)
            task = await bot.task(issue)
            assert (task.phase, task.attempt) == (Phase.IN_REVIEW, 1), bot.said(issue)
            assert (bot.clock() - began).total_seconds() >= 60
        assert len(vendor.requests) == 2
    assert "The model takes no calls until" in caplog.text

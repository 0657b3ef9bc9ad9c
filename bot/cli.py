"""The command `issuewright`. Exit 0 means it worked; an error is one clear sentence on stderr."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import __version__
from bot.settings import SettingsError, load

app = typer.Typer(
    help="Label a GitHub issue `agent:run`, review a pull request.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point: a mistake that a person can mend is a sentence, everything else a traceback."""
    from bot.store.errors import StoreError

    try:
        app()
    except (SettingsError, StoreError) as error:
        print(f"issuewright: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _version(wanted: bool) -> None:
    if wanted:
        print(f"issuewright {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Label a GitHub issue `agent:run`, review a pull request."""


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up after the story, to click through.")] = False,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON and nothing else on stdout.")] = False,
    port: Annotated[int, typer.Option(help="Port of the demo's GitHub; 0 takes a free one.")] = 0,
) -> None:
    """Play the whole story on a GitHub that lives on this machine: label, pull request, review, merge."""
    from bot.demo.play import play

    _set_up_logging(load().log_level if not json else "error", quiet=True)
    raise typer.Exit(_run(play(keep=keep, as_json=json, port=port)))


@app.command("try")
def try_(
    path: Annotated[Path, typer.Argument(help="A folder of your git repository; HEAD is the base.")],
    issue: Annotated[str, typer.Option(help="File with the issue: first line title, rest body. `-`: stdin.")],
    agent: Annotated[str | None, typer.Option(help="What the agent is called.")] = None,
    agent_command: Annotated[
        str | None,
        typer.Option(help="Command line of the agent: prompt on stdin and in $ISSUEWRIGHT_PROMPT_FILE, exit code 0."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON and nothing else on stdout.")] = False,
    timeout: Annotated[float, typer.Option(help="Minutes for the whole job.", min=0.01, max=1440)] = 60,
) -> None:
    """Do the whole job on your own repository, on this machine alone: no account, nothing leaves it.

    The branch is fetched back into the repository as agent/…; its work tree, index and configuration stay untouched.

    Exit codes: 0 a pull request whose required checks pass · 1 a pull request whose checks fail or that has none ·
    2 repository, issue or options cannot be used · 3 the agent changed nothing, declined or asked · 4 failed, or the
    time was up · 130 interrupted.
    """
    from bot.trial.issue import read_issue
    from bot.trial.source import look
    from bot.trial.trial import Order, try_out, with_agent
    from bot.trial.unfit import Unfit

    settings = load()
    _set_up_logging(settings.log_level, quiet=True)
    try:
        text, source = read_issue(issue), look(path)
        order = Order(source, text, with_agent(settings, source, agent, agent_command), timeout)
        code = _run(try_out(order, as_json=json))
    except Unfit as unfit:
        print(f"issuewright: {unfit}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(code)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A folder of a git repository.")],
    base: Annotated[str, typer.Option(help="The commit that the change starts from, or its branch.")],
    head: Annotated[str, typer.Option(help="The commit to verify.")] = "HEAD",
    checks: Annotated[
        Path | None, typer.Option(help="File with the checks, like .github/issuewright.yml; else the base's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON and nothing else on stdout.")] = False,
) -> None:
    """Certify a commit against its base: run both in the sandbox, and say what broke, what is proven, what is weaker.

    Nothing is written into the repository, and nothing leaves this machine. docs/certificate.md says what it means.

    Exit codes: 0 clean · 1 broken · 2 repository, commits or options cannot be used · 3 weakened · 4 out of scope ·
    5 unchecked: no required check ran, or it fails on the base as well.
    """
    from bot.audit.audit import read_checks
    from bot.audit.audit import verify as run
    from bot.trial.source import two
    from bot.trial.unfit import Unfit

    settings = load()
    _set_up_logging(settings.log_level, quiet=True)
    try:
        given = read_checks(checks) if checks is not None else None
        code = _run(run(two(path, base, head), given, settings, as_json_line=json))
    except Unfit as unfit:
        print(f"issuewright: {unfit}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(code)


@app.command()
def serve() -> None:
    """Receive webhooks, look through GitHub, run tasks. Settings: ISSUEWRIGHT_… in the environment."""
    from bot.serving import serve as run

    settings = load()
    _set_up_logging(settings.log_level)
    _run(run(settings))


@app.command()
def work() -> None:
    """Run tasks and listen nowhere: one of many workers on PostgreSQL, each with a data folder of its own."""
    from bot.serving import work as run

    settings = load()
    _set_up_logging(settings.log_level)
    _run(run(settings))


@app.command()
def doctor() -> None:
    """Say what is missing, and the exact mend. Changes nothing; works while `serve` runs."""
    from bot.doctor import examine, exit_code, report

    findings = _run(examine(load()))
    print(report(findings))
    raise typer.Exit(exit_code(findings))


@app.command()
def pause(
    repository: Annotated[str | None, typer.Argument(metavar="[OWNER/REPO]", help="Else the whole server.")] = None,
    reason: Annotated[str, typer.Option(help="Said on the issues that wait.")] = "",
) -> None:
    """Admit no new run, of the server or of one repository; what runs goes on. Works while `serve` runs."""
    from bot.operator import pausing
    from bot.wiring import wall_clock

    print(pausing.pause(load(), repository, reason, wall_clock))


@app.command()
def resume(
    repository: Annotated[str | None, typer.Argument(metavar="[OWNER/REPO]", help="Else the whole server.")] = None,
) -> None:
    """End a pause. Works while `serve` runs."""
    from bot.operator import pausing
    from bot.wiring import wall_clock

    print(pausing.resume(load(), repository, wall_clock))


@app.command()
def purge(
    repository: Annotated[str, typer.Argument(metavar="OWNER/REPO")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove everything that is kept of a repository, from database and disk. Nothing changes on GitHub."""
    from bot.operator import purge as purging
    from bot.operator.pausing import named
    from bot.wiring import wall_clock

    settings = load()
    stock = purging.look(settings, named(repository), wall_clock)
    if stock.empty:
        print(f"Nothing is kept of {repository}.")
        return
    if not yes:
        typer.confirm(f"Remove {purging.told(stock)} of {repository} for good?", abort=True)
    removed = purging.purge(settings, repository, wall_clock)
    print(f"Removed of {repository}: {purging.told(removed)}.")
    print(f"It is paused, so that labels which are still there start nothing: `issuewright resume {repository}`.")


@app.command()
def migrate() -> None:
    """Bring the database to this version, after a backup of its file. `serve` does it by itself."""
    from bot.wiring import open_store

    async def once() -> None:
        store = await open_store(load())
        await store.close()

    _run(once())
    print("The database is up to date.")


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """On uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _set_up_logging(level: str, *, quiet: bool = False) -> None:
    logging.basicConfig(
        level=logging.WARNING if quiet else level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("httpx", "alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()

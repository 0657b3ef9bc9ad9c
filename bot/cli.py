"""The command `issuewright`. Exit 0 means it worked; an error is one clear sentence on stderr."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from bot import __version__
from bot.settings import Settings, SettingsError, load

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

    _set_up_logging(Settings().log_level if not json else "error", quiet=True)
    raise typer.Exit(_run(play(keep=keep, as_json=json, port=port)))


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

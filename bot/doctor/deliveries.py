"""The newest deliveries of the App's webhook, as GitHub saw them: how many failed, why, and the mend."""

from collections.abc import Iterator, Sequence

from bot.doctor.finding import Finding, ok, warn
from bot.github.about import AppAbout, DeliveryAbout
from bot.words.plain import count

_UNREACHED = (0, 502, 504)
"""GitHub's own codes when nobody answered in its ten seconds; a proxy in front of us answers the same."""


def deliveries(app: AppAbout, expected: str | None, page: str) -> Iterator[Finding]:
    """`expected` is our address for webhooks; None: we have none. A lost webhook costs time and no work."""
    told = app.deliveries
    if told is None:
        if expected is not None:
            yield ok("This GitHub does not tell how its deliveries fared: old versions of Enterprise Server cannot.")
        return
    if not told:
        if expected is not None:
            yield ok("GitHub has delivered nothing lately: the first label, comment or installation is told here.")
        return
    failed = [one for one in told if not one.taken]
    if not failed:
        yield ok(f"The last {count(len(told), 'webhook')} came through.")
    elif expected is None:
        mend = f"Switch the webhook off at {page}, or set ISSUEWRIGHT_PUBLIC_URL."
        yield warn(f"{_sum(failed, told)} This server does not expect any.", mend)
    elif told[0].taken:
        yield ok(f"{_sum(failed, told)} The newest came through again; the sweep has found what was lost.")
    else:
        yield warn(_sum(failed, told), _mend(failed[0], expected, page))


def _sum(failed: Sequence[DeliveryAbout], told: Sequence[DeliveryAbout]) -> str:
    newest = failed[0]
    status = " ".join(f"{newest.status_code} {newest.status}".split())[:100]
    return (
        f"{len(failed)} of the last {count(len(told), 'webhook')} failed, the newest"
        f" ({newest.event}, {newest.at:%Y-%m-%d %H:%M} UTC) with {status}."
    )


def _mend(newest: DeliveryAbout, expected: str, page: str) -> str:
    """What most likely stands behind a status."""
    code = newest.status_code
    if code == 401:
        return (
            f"Give the App at {page} the webhook secret that this server has (ISSUEWRIGHT_GITHUB_WEBHOOK_SECRET, or"
            " `webhook_secret` in github-app.json), or the other way round."
        )
    if code in _UNREACHED:
        return f"GitHub must reach {expected}: is `serve` running, and do DNS, firewall and proxy let it through?"
    if code == 503:
        return "The server was not set up yet, was busy or could not store it: look into its log, then redeliver."
    if code >= 500:
        return f"Look into the log of this server, and of the proxy in front of it: {expected} must answer 202."
    if 300 <= code < 400:
        return f"GitHub follows no redirects: enter the final address of {expected} at {page}."
    if code == 413:
        return "A proxy in front of this server refuses large bodies: allow 25 MB."
    return f"A proxy in front of this server may refuse it: POST {expected} must be passed on unchanged."

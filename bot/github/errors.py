"""How GitHub can fail us, and which answer means which failure.

| answer | failure |
|---|---|
| no answer, a timeout, 5xx, something that is not JSON | `Unavailable`: try again soon |
| 403 or 429 with `Retry-After`, with nothing remaining, or that says "rate limit" | `RateLimited` until a time |
| 401 to the App itself | `BadCredentials` |
| 401 to a fresh installation token | `Unavailable` (new tokens need a moment to spread) |
| no token to be had (404), or "suspended" (403) | `NotInstalled` |
| JSON that lacks a field which we need | `Unreadable` |
| a clone URL on another server | `Elsewhere` |
| every other 4xx | `Refused`: repeating it does not help |

Sources: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.task.ids import InstallationId

UNTOLD_PAUSE = timedelta(minutes=1)
"""How long to wait when GitHub limits us without saying until when (as its documentation asks)."""
LONGEST_PAUSE = timedelta(hours=1)
"""GitHub's windows are an hour at most; a longer answer is a mistake on the way."""


class GitHubError(Exception):
    """Something went wrong between us and GitHub; the message is one sentence that says what to mend."""


class RateLimited(GitHubError):
    """GitHub (or our own budget, which keeps us from that) wants no such call before `until`."""

    def __init__(self, until: datetime, what: str) -> None:
        super().__init__(f"{what}: next try at {until.astimezone(UTC):%H:%M:%S} UTC")
        self.until = until
        self.what = what


class Unavailable(GitHubError):
    """GitHub could not be asked just now; the call may have been carried out or not."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(GitHubError):
    """GitHub understood and said no, for good."""

    def __init__(self, status: int, message: str, verb: str, advice: str = "") -> None:
        super().__init__(f"GitHub refused to {verb} ({status}: {message}){advice}")
        self.status = status
        self.message = message
        self.verb = verb

    @property
    def gone(self) -> bool:
        """It is not there (or not for us to see)."""
        return self.status in (404, 410)

    def says(self, words: str) -> bool:
        """Does GitHub's message contain `words`, in any case?"""
        return words.casefold() in self.message.casefold()


class NotInstalled(GitHubError):
    """The App's installation is gone, or suspended: then it may come back."""

    def __init__(self, installation: InstallationId, why: str) -> None:
        self.installation = installation
        self.suspended = "suspended" in why.casefold()
        super().__init__(
            f"The App's installation {installation} is suspended; whoever suspended it can take that back on GitHub"
            if self.suspended
            else f"The App is no longer installed there (installation {installation}: {why}); install it again"
        )


class Unreadable(GitHubError):
    """GitHub answered with something else than we can read: an older server, or something between it and us."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"GitHub's answer cannot be read ({what}); GitHub Enterprise Server may be too old for this version"
        )


class Elsewhere(GitHubError):
    """GitHub names another server as the place of a repository; no credential goes there."""

    def __init__(self, full_name: str, there: str, ours: str) -> None:
        super().__init__(
            f"GitHub names {there} as the place of {full_name}, and the API URL of this bot belongs to {ours}: "
            "no credential is sent there. Set the API URL to that server's own, or mend the server's host name"
        )


class BadCredentials(GitHubError):
    """GitHub does not know the App by its id and key."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"GitHub does not accept the App's id and private key ({message}); "
            "check that both belong to the same App, that the API URL is its server's, and this machine's clock"
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer of 400 or above, as far as it matters for naming the failure."""

    status: int
    headers: Mapping[str, str]
    message: str
    verb: str
    need: str = ""
    """The permission that the call takes, `issues: write`."""


def _advice(problem: Problem) -> str:
    """What to mend, as the end of a sentence."""
    match problem.status:
        case 403 if "not accessible by integration" in problem.message.casefold():
            name = f" `{problem.need}`" if problem.need else ""
            return (
                f"; give the App this permission{name} in its settings (app.yml lists it), "
                "and accept it in the settings of the installation"
            )
        case 403 if "archived" in problem.message.casefold():
            return "; unarchive the repository to go on"
        case 404:
            server = problem.headers.get("x-github-enterprise-version", "")
            old = f", or GitHub Enterprise Server ({server}) is too old for it" if server else ""
            return f"; it is gone, or the App's installation does not include it{old}"
        case 410:
            return "; it was deleted, or issues are switched off in this repository"
        case 422 if "permissions requested are not granted" in problem.message.casefold():
            return "; accept the App's new permissions (app.yml lists them) in the settings of the installation"
        case _:
            return ""


def failure(problem: Problem, now: datetime) -> RateLimited | Unavailable | Refused:
    """Name the failure of a call; what depends on who called is the transport's to say."""
    until = _limited_until(problem, now)
    if until is not None:
        return RateLimited(until, f"GitHub's rate limit is reached, so it did not {problem.verb}")
    if problem.status >= 500 or problem.status == 408:
        return Unavailable(f"GitHub could not {problem.verb} (error {problem.status}); it is tried again")
    return Refused(problem.status, problem.message, problem.verb, _advice(problem))


def _limited_until(problem: Problem, now: datetime) -> datetime | None:
    if problem.status not in (403, 429):
        return None
    until = now + UNTOLD_PAUSE
    after, reset = problem.headers.get("retry-after"), problem.headers.get("x-ratelimit-reset")
    nothing_left = problem.headers.get("x-ratelimit-remaining") == "0"
    if after is not None:
        until = now + timedelta(seconds=int(after)) if after.isdecimal() else until
    elif nothing_left and reset is not None and reset.isdecimal():
        until = max(datetime.fromtimestamp(int(reset), UTC), now + timedelta(seconds=1))
    elif not (nothing_left or problem.status == 429 or "rate limit" in problem.message.casefold()):
        return None
    return min(until, now + LONGEST_PAUSE)

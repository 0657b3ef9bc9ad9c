"""How GitHub can fail us, and which answer means which failure.

| answer | failure |
|---|---|
| no answer, a timeout, 5xx, something that is not JSON | `Unavailable`: try again soon |
| 403 or 429 with `Retry-After`, with nothing remaining, or that says "rate limit" | `RateLimited` until a time |
| 401 to the App itself | `BadCredentials` |
| 401 to a fresh installation token | `Unavailable` (new tokens need a moment to spread) |
| no token to be had (404), or "suspended" (403) | `NotInstalled` |
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

    def __init__(self, status: int, message: str, verb: str) -> None:
        super().__init__(f"GitHub refused to {verb} ({status}: {message}){_ADVICE.get(status, '')}")
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


_ADVICE: dict[int, str] = {
    403: "; give the App this permission in its settings and accept it in the installation",
    404: "; it is gone, or the App's installation does not include it",
    410: "; it was deleted, or issues are switched off in this repository",
}


class NotInstalled(GitHubError):
    """The App's installation is gone or suspended."""

    def __init__(self, installation: InstallationId, why: str) -> None:
        super().__init__(f"The App is no longer installed there (installation {installation}: {why}); install it again")
        self.installation = installation


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


def failure(problem: Problem, now: datetime) -> RateLimited | Unavailable | Refused:
    """Name the failure of a call; what depends on who called is the transport's to say."""
    until = _limited_until(problem, now)
    if until is not None:
        return RateLimited(until, f"GitHub's rate limit is reached, so it did not {problem.verb}")
    if problem.status >= 500 or problem.status == 408:
        return Unavailable(f"GitHub could not {problem.verb} (error {problem.status}); it is tried again")
    return Refused(problem.status, problem.message, problem.verb)


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

"""What the App must be allowed on GitHub, and the webhooks that it wants: no more than the code uses.

`app.yml` says the same for whoever registers the App. tests/test_app_yml.py keeps three things equal: this file, that
one, and the requests that the verbs of this folder really make.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.task.hints import HANDLED_EVENTS

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "metadata": "read",
        "contents": "write",
        "issues": "write",
        "pull_requests": "write",
        "checks": "write",
    }
)
"""Repository permissions by their names in GitHub's API. No `workflows`: a change below `.github/` is never pushed."""

ALWAYS_DELIVERED = frozenset({"installation", "installation_repositories"})
"""Events that every App gets and none can subscribe to."""
EVENTS = HANDLED_EVENTS - ALWAYS_DELIVERED

_REPO = "/repos/{}/{}"
ENDPOINTS: Mapping[str, str | None] = MappingProxyType(
    {
        # as nobody: the code is all that it takes
        "POST /app-manifests/{}/conversions": None,
        # as the App itself
        "GET /app": None,
        "GET /app/hook/config": None,
        "GET /app/hook/deliveries": None,
        "GET /app/installations": None,
        "POST /app/installations/{}/access_tokens": None,
        # as an installation
        "GET /installation/repositories": "metadata:read",
        "GET /users/{}": None,
        f"GET {_REPO}": "metadata:read",
        "GET /repositories/{}": "metadata:read",
        f"GET {_REPO}/collaborators/{{}}/permission": "metadata:read",
        f"GET {_REPO}/issues": "issues:read",
        f"GET {_REPO}/issues/comments": "issues:read",
        f"GET {_REPO}/issues/comments/{{}}": "issues:read",
        f"PATCH {_REPO}/issues/comments/{{}}": "issues:write",
        f"POST {_REPO}/issues/comments/{{}}/reactions": "issues:write",
        f"GET {_REPO}/issues/{{}}": "issues:read",
        f"GET {_REPO}/issues/{{}}/comments": "issues:read",
        f"POST {_REPO}/issues/{{}}/comments": "issues:write",
        f"GET {_REPO}/issues/{{}}/events": "issues:read",
        f"POST {_REPO}/issues/{{}}/labels": "issues:write",
        f"DELETE {_REPO}/issues/{{}}/labels/{{}}": "issues:write",
        f"POST {_REPO}/issues/{{}}/reactions": "issues:write",
        f"GET {_REPO}/labels": "issues:read",
        f"POST {_REPO}/labels": "issues:write",
        f"GET {_REPO}/labels/{{}}": "issues:read",
        f"GET {_REPO}/pulls": "pull_requests:read",
        f"POST {_REPO}/pulls": "pull_requests:write",
        f"GET {_REPO}/pulls/{{}}": "pull_requests:read",
        f"PATCH {_REPO}/pulls/{{}}": "pull_requests:write",
        f"GET {_REPO}/pulls/{{}}/comments": "pull_requests:read",
        f"GET {_REPO}/pulls/{{}}/reviews": "pull_requests:read",
        f"GET {_REPO}/pulls/{{}}/reviews/{{}}": "pull_requests:read",
        f"POST {_REPO}/pulls/{{}}/requested_reviewers": "pull_requests:write",
        "POST /graphql": "pull_requests:write",
        f"POST {_REPO}/check-runs": "checks:write",
        f"PATCH {_REPO}/check-runs/{{}}": "checks:write",
        f"GET {_REPO}/commits/{{}}/check-runs": "checks:read",
        f"GET {_REPO}/branches/{{}}": "contents:read",
        f"DELETE {_REPO}/git/refs/{{}}": "contents:write",
        # git over HTTPS, with the token of `Door.credential`
        "GET /{}/{}.git/info/refs": "contents:write",
    }
)
"""Every request that we make, and the permission that it takes; a reference with slashes counts as one `{}`.

Source: https://docs.github.com/rest/authentication/permissions-required-for-github-apps
"""

_BY_ID = re.compile(r"^.*/repositories/\d+(?=/)")
"""How a redirect names a renamed repository."""


def needed(method: str, path: str) -> str:
    """The permission that a request takes, `issues: write`; empty when it takes none or is not ours."""
    asked = f"{method} {_BY_ID.sub('/repos/o/r', path)}"
    fitting = [endpoint for endpoint in ENDPOINTS if _fits(endpoint, asked)]
    need = ENDPOINTS[min(fitting, key=lambda endpoint: endpoint.count("{}"))] if fitting else None
    return (need or "").replace(":", ": ")


def _fits(endpoint: str, asked: str) -> bool:
    pattern = re.escape(endpoint).replace(r"\{\}", "[^/]+")
    for named in ("refs/", "branches/"):
        pattern = pattern.replace(f"{named}[^/]+", f"{named}.+")
    return re.fullmatch(pattern, asked) is not None

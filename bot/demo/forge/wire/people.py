"""Users on the wire."""

from bot.demo.forge.model import ROLES, Repository, User
from bot.demo.forge.wire.site import Json, Site, stamp


def user_json(site: Site, user: User) -> Json:
    """GitHub's *simple user*."""
    url = f"{site.api}/users/{user.login}"
    web = user.login.removesuffix("[bot]")
    return {
        "login": user.login,
        "id": user.id,
        "node_id": f"U_{user.id}",
        "avatar_url": f"{site.web}/avatars/{user.id}.svg",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{site.web}/apps/{web}" if user.type == "Bot" else f"{site.web}/{web}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": user.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def maybe_user(site: Site, user: User | None) -> Json | None:
    """A user that may be missing."""
    return user_json(site, user) if user else None


def profile_json(site: Site, user: User, public_repos: int) -> Json:
    """The answer of `GET /users/{login}`."""
    nothing = dict.fromkeys(("company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    return {
        **user_json(site, user),
        **nothing,
        "name": user.name,
        "public_repos": public_repos,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(user.created_at),
        "updated_at": stamp(user.created_at),
    }


def collaborator_json(site: Site, repo: Repository, user: User) -> Json:
    """The answer of `GET collaborators/{login}/permission`: the legacy four names and the precise role."""
    role = repo.role_of(user)
    legacy = {"triage": "read", "maintain": "write"}.get(role, role)
    return {
        "permission": legacy,
        "role_name": role,
        "user": {**user_json(site, user), "permissions": role_flags(repo, user), "role_name": role},
    }


def role_flags(repo: Repository, user: User) -> dict[str, bool]:
    """The five booleans that accompany a repository or collaborator."""
    order = ("pull", "triage", "push", "maintain", "admin")
    rank = ROLES.index(repo.role_of(user))
    return {name: rank > at for at, name in enumerate(order)}


def association(repo: Repository, user: User) -> str:
    """How an author stands to a repository: `author_association`."""
    if user is repo.owner:
        return "OWNER"
    if user.login.lower() in repo.roles:
        return "MEMBER" if repo.owner.type == "Organization" else "COLLABORATOR"
    merged = any(pull.merged_at and pull.issue.author is user for pull in repo.pulls())
    return "CONTRIBUTOR" if merged else "NONE"

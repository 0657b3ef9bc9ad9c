"""Apps, installations and tokens on the wire."""

from bot.demo.forge.model import App, Installation, Token
from bot.demo.forge.wire.people import user_json
from bot.demo.forge.wire.repos import repo_json
from bot.demo.forge.wire.site import Json, Site, maybe_stamp, stamp


def app_json(site: Site, app: App) -> Json:
    """GitHub's *integration*."""
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": f"A_{app.id}",
        "client_id": app.client_id,
        "owner": user_json(site, app.owner),
        "name": app.name,
        "description": "",
        "external_url": site.web,
        "html_url": f"{site.web}/apps/{app.slug}",
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
        "permissions": dict(app.permissions),
        "events": list(app.events),
    }


def installation_json(site: Site, installation: Installation) -> Json:
    """An installation as the app sees it."""
    url = f"{site.api}/app/installations/{installation.id}"
    account, app = installation.account, installation.app
    return {
        "id": installation.id,
        "node_id": f"INS_{installation.id}",
        "client_id": app.client_id,
        "account": user_json(site, account),
        "repository_selection": installation.selection,
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{site.api}/installation/repositories",
        "html_url": f"{site.web}/settings/installations/{installation.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": dict(app.permissions),
        "events": list(app.events),
        "created_at": stamp(installation.created_at),
        "updated_at": stamp(installation.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user_json(site, account) if installation.suspended_at else None,
        "suspended_at": maybe_stamp(installation.suspended_at),
    }


def token_json(site: Site, token: Token) -> Json:
    """The answer of `POST access_tokens`. Clients parse `expires_at` with whole seconds."""
    shape: Json = {
        "token": token.value,
        "expires_at": maybe_stamp(token.expires_at),
        "permissions": dict(token.permissions),
        "repository_selection": "selected",
    }
    if token.repositories is not None:
        shape["repositories"] = [repo_json(site, repo) for repo in token.repositories]
    return shape

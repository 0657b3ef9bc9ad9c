"""Endpoints of apps, installations, users and the webhook delivery log."""

from bot.demo.forge.hooks import Delivery
from bot.demo.forge.model import Installation, Repository
from bot.demo.forge.refusal import Refused, forbidden, not_found
from bot.demo.forge.rest.call import CREATED, Answer, Call
from bot.demo.forge.rest.gate import may_see
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.apps import app_json, installation_json, token_json
from bot.demo.forge.wire.people import profile_json
from bot.demo.forge.wire.repos import full_repo_json
from bot.demo.forge.wire.site import Json, maybe_stamp, stamp

table = Table()


@table.route("GET", "/app")
def get_app(call: Call) -> Answer:
    """The app itself."""
    own = [one for one in call.world.installations.values() if one.app is call.app]
    return Answer({**app_json(call.site, call.app), "installations_count": len(own)})


@table.route("POST", "/app-manifests/{code}/conversions")
def convert_manifest(call: Call) -> Answer:
    """The credentials of an app that was registered from a manifest. Nobody has to be signed in: the code is enough."""
    app = call.world.redeem(call.path["code"])
    given = {"client_secret": "", "webhook_secret": app.webhook_secret or None, "pem": app.private_key_pem}
    return Answer({**app_json(call.site, app), **given}, CREATED)


@table.route("GET", "/app/installations")
def list_installations(call: Call) -> Answer:
    """Where the app is installed."""
    own = [one for one in call.world.installations.values() if one.app is call.app]
    return call.page(own, lambda one: installation_json(call.site, one))


@table.route("GET", "/app/installations/{installation_id}")
def get_installation(call: Call) -> Answer:
    """One installation of the app."""
    return Answer(installation_json(call.site, _own_installation(call)))


@table.route("GET", "/repos/{owner}/{repo}/installation")
def get_repo_installation(call: Call) -> Answer:
    """The installation of the app that includes a repository."""
    found = [one for one in call.world.installations_on(call.repo) if one.app is call.app]
    if not found:
        raise not_found()
    return Answer(installation_json(call.site, found[0]))


@table.route("POST", "/app/installations/{installation_id}/access_tokens")
def create_access_token(call: Call) -> Answer:
    """An installation token, narrowed on request."""
    installation = _own_installation(call)
    permissions = call.body.get("permissions")
    token = call.world.create_installation_token(
        installation.id, repositories=_chosen(call, installation), permissions=permissions
    )
    return Answer(token_json(call.site, token), CREATED)


@table.route("GET", "/installation/repositories")
def list_installation_repositories(call: Call) -> Answer:
    """What an installation token reaches."""
    token = call.caller.token
    if token is None or token.installation is None:
        raise forbidden("You must authenticate with an installation access token in order to list repositories.")
    repos = token.installation.repositories if token.repositories is None else token.repositories
    answer = call.page(repos, lambda repo: full_repo_json(call.site, repo), "repositories")
    answer.body["repository_selection"] = "selected"
    return answer


@table.route("GET", "/users/{login}")
def get_user(call: Call) -> Answer:
    """A public profile; the bot of an app is `slug[bot]`."""
    user = call.world.user(call.path["login"])
    repos = [repo for repo in call.world.repos.values() if repo.owner is user and not repo.private]
    return Answer(profile_json(call.site, user, len(repos)))


@table.route("GET", "/user/{user_id}")
def get_user_by_id(call: Call) -> Answer:
    """A public profile by its number."""
    wanted = call.number("user_id")
    user = next((one for one in call.world.users.values() if one.id == wanted), None)
    if user is None:
        raise not_found()
    return Answer(profile_json(call.site, user, 0))


@table.route("GET", "/user")
def get_authenticated_user(call: Call) -> Answer:
    """The person behind a token; an installation has none."""
    token = call.caller.token
    if token is None:
        raise Refused(401, "Requires authentication")
    if token.installation:
        raise forbidden()
    return Answer(profile_json(call.site, token.user, 0))


@table.route("GET", "/repos/{owner}/{repo}", "metadata:read")
def get_repository(call: Call) -> Answer:
    """A repository."""
    return Answer(full_repo_json(call.site, call.repo))


@table.route("GET", "/app/hook/deliveries")
def list_deliveries(call: Call) -> Answer:
    """Deliveries of the app's webhook, newest first."""
    own = [one for one in reversed(call.hooks.log) if one.app is call.app and one.delivered_at]
    return call.page(own, _delivery_json)


@table.route("GET", "/app/hook/deliveries/{delivery_id}")
def get_delivery(call: Call) -> Answer:
    """One delivery with what was sent and answered."""
    found = _own_delivery(call)
    request = {"headers": found.headers(), "payload": found.payload}
    response = {"headers": found.answer_headers, "payload": found.answer_body}
    return Answer({**_delivery_json(found), "url": found.app.webhook_url, "request": request, "response": response})


@table.route("POST", "/app/hook/deliveries/{delivery_id}/attempts")
def redeliver(call: Call) -> Answer:
    """Deliver again, with the same GUID."""
    call.hooks.redeliver(_own_delivery(call).guid)
    return Answer({}, 202)


@table.route("GET", "/app/hook/config")
def get_hook_config(call: Call) -> Answer:
    """Where webhooks go."""
    return Answer(_hook_config(call))


@table.route("PATCH", "/app/hook/config")
def update_hook_config(call: Call) -> Answer:
    """Let webhooks go elsewhere, or be signed with another secret."""
    app = call.app
    app.webhook_url = call.maybe_text("url") or app.webhook_url
    app.webhook_secret = call.maybe_text("secret") or app.webhook_secret
    return Answer(_hook_config(call))


def _hook_config(call: Call) -> Json:
    config: Json = {"content_type": "json", "insecure_ssl": "0", "url": call.app.webhook_url or ""}
    return config | ({"secret": "********"} if call.app.webhook_secret else {})


def _own_installation(call: Call) -> Installation:
    found = call.world.installation(call.number("installation_id"))
    if found.app is not call.app:
        raise not_found()
    return found


def _own_delivery(call: Call) -> Delivery:
    wanted, app = call.number("delivery_id"), call.app
    for one in call.hooks.log:
        if one.id == wanted and one.app is app:
            return one
    raise not_found()


def _chosen(call: Call, installation: Installation) -> list[Repository] | None:
    """The repositories that a token is narrowed to, by name or id."""
    names, ids = call.body.get("repositories"), call.body.get("repository_ids")
    if names is None and ids is None:
        return None
    wanted = [repo for repo in installation.repositories if repo.name in (names or ()) or repo.id in (ids or ())]
    if len(wanted) < len(names or ()) + len(ids or ()):
        raise Refused(422, "There is at least one repository that does not exist or is not accessible.")
    return wanted


def _delivery_json(delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": maybe_stamp(delivery.delivered_at) or stamp(delivery.created_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


@table.route("GET", "/repositories/{repo_id}")
def get_repository_by_id(call: Call) -> Answer:
    """A repository by its number, which survives a rename."""
    wanted = call.number("repo_id")
    for repo in call.world.repos.values():
        if repo.id == wanted and may_see(call.caller, repo):
            return Answer(full_repo_json(call.site, repo))
    raise not_found()

"""Endpoints of a repository: labels, collaborators, contents, refs, branches, commits, comparisons."""

from bot.demo.forge.git.bare import Commit
from bot.demo.forge.git.diff import changed_files, compare, unified
from bot.demo.forge.model import Repository
from bot.demo.forge.refusal import Refused, not_found
from bot.demo.forge.rest.call import CREATED, NO_CONTENT, Answer, Call
from bot.demo.forge.rest.table import Table
from bot.demo.forge.wire.issues import label_json
from bot.demo.forge.wire.people import collaborator_json
from bot.demo.forge.wire.repos import branch_json, commit_json, compare_json, content_json, ref_json
from bot.demo.forge.wire.site import Json

table = Table()
_REPO = "/repos/{owner}/{repo}"
_BRANCHES = "refs/heads/"


@table.route("GET", f"{_REPO}/labels", "issues|pull_requests:read")
def list_labels(call: Call) -> Answer:
    """The labels of a repository."""
    return call.page(list(call.repo.labels.values()), lambda label: label_json(call.site, label))


@table.route("POST", f"{_REPO}/labels", "issues|pull_requests:write")
def create_label(call: Call) -> Answer:
    """A new label."""
    color = call.maybe_text("color", "Label") or "ededed"
    label = call.world.create_label(call.repo, call.text("name", "Label"), color, call.maybe_text("description"))
    return Answer(label_json(call.site, label), CREATED)


@table.route("GET", f"{_REPO}/labels/{{name:path}}", "issues|pull_requests:read")
def get_label(call: Call) -> Answer:
    """One label."""
    return Answer(label_json(call.site, call.world.label(call.repo, call.path["name"])))


@table.route("PATCH", f"{_REPO}/labels/{{name:path}}", "issues|pull_requests:write")
def edit_label(call: Call) -> Answer:
    """Rename or recolour."""
    label = call.world.edit_label(
        call.repo,
        call.path["name"],
        new_name=call.maybe_text("new_name"),
        color=call.maybe_text("color"),
        description=call.maybe_text("description"),
    )
    return Answer(label_json(call.site, label))


@table.route("DELETE", f"{_REPO}/labels/{{name:path}}", "issues|pull_requests:write")
def delete_label(call: Call) -> Answer:
    """Remove it everywhere."""
    call.world.delete_label(call.repo, call.path["name"])
    return Answer(status=NO_CONTENT)


@table.route("GET", f"{_REPO}/collaborators/{{login}}/permission", "metadata:read")
def get_permission(call: Call) -> Answer:
    """What a user may do here; 404 for nobody."""
    return Answer(collaborator_json(call.site, call.repo, call.world.user(call.path["login"])))


@table.route("GET", f"{_REPO}/contents", "contents:read")
@table.route("GET", f"{_REPO}/contents/{{path:path}}", "contents:read")
def get_contents(call: Call) -> Answer:
    """A file in base64 or the entries of a directory, at `ref`."""
    repo, path = call.repo, call.path.get("path", "").strip("/")
    ref = call.query.get("ref") or repo.default_branch
    commit = _commit_named(repo, ref)
    found = repo.git.entry(commit.sha, path)
    if found is None:
        raise not_found()
    _mode, kind, sha = found
    if kind == "blob":
        data = repo.git.blob(sha)
        if "raw" in call.accept:
            return Answer(data.decode(errors="replace"))
        return Answer(content_json(call.site, repo, path, ref, "file", sha, data, len(data)))
    rows = [
        content_json(
            call.site, repo, f"{path}/{name}".strip("/"), ref, "file" if kind == "blob" else "dir", sha, None, size
        )
        for kind, sha, name, size in repo.git.children(sha)
    ]
    return Answer(rows)


@table.route("GET", f"{_REPO}/git/ref/{{ref:path}}", "contents:read")
def get_ref(call: Call) -> Answer:
    """One reference, `heads/main`."""
    return Answer(_ref_json(call, f"refs/{call.path['ref']}"))


@table.route("GET", f"{_REPO}/git/matching-refs/{{ref:path}}", "contents:read")
def matching_refs(call: Call) -> Answer:
    """All references that start so."""
    repo, start = call.repo, f"refs/{call.path['ref']}"
    rows = [(ref, sha) for ref, sha in repo.git.refs().items() if ref.startswith(start)]
    return call.page(rows, lambda row: ref_json(call.site, repo, *row))


@table.route("POST", f"{_REPO}/git/refs", "contents:write")
def create_ref(call: Call) -> Answer:
    """A new branch or tag."""
    ref = call.text("ref", "Reference")
    call.world.create_ref(call.repo, ref, call.text("sha", "Reference"), by=call.actor)
    return Answer(_ref_json(call, ref), CREATED)


@table.route("PATCH", f"{_REPO}/git/refs/{{ref:path}}", "contents:write")
def update_ref(call: Call) -> Answer:
    """Move a branch."""
    ref = f"refs/{call.path['ref']}"
    call.world.update_ref(call.repo, ref, call.text("sha", "Reference"), by=call.actor, force=call.flag("force"))
    return Answer(_ref_json(call, ref))


@table.route("DELETE", f"{_REPO}/git/refs/{{ref:path}}", "contents:write")
def delete_ref(call: Call) -> Answer:
    """Delete a branch or tag."""
    call.world.delete_ref(call.repo, f"refs/{call.path['ref']}", by=call.actor)
    return Answer(status=NO_CONTENT)


@table.route("GET", f"{_REPO}/branches", "contents:read")
def list_branches(call: Call) -> Answer:
    """The branches, in short form."""
    rows = [(ref, sha) for ref, sha in call.repo.git.refs().items() if ref.startswith(_BRANCHES)]

    def short(row: tuple[str, str]) -> Json:
        url = f"{call.site.api}/repos/{call.repo.full_name}/commits/{row[1]}"
        return {"name": row[0].removeprefix(_BRANCHES), "commit": {"sha": row[1], "url": url}, "protected": False}

    return call.page(rows, short)


@table.route("GET", f"{_REPO}/branches/{{branch:path}}", "contents:read")
def get_branch(call: Call) -> Answer:
    """One branch with its commit."""
    repo, name = call.repo, call.path["branch"]
    sha = repo.git.refs().get(f"{_BRANCHES}{name}")
    if sha is None:
        raise Refused(404, "Branch not found")
    return Answer(branch_json(call.site, repo, name, repo.git.commit(sha)))


@table.route("GET", f"{_REPO}/commits", "contents:read")
def list_commits(call: Call) -> Answer:
    """History, newest first."""
    repo = call.repo
    start = _commit_named(repo, call.query.get("sha") or repo.default_branch)
    return call.page(repo.git.log(start.sha), lambda one: _commit_json(call, one))


@table.route("GET", f"{_REPO}/compare/{{span:path}}", "contents:read")
def get_comparison(call: Call) -> Answer:
    """What head has that base has not, `base...head`."""
    repo = call.repo
    base, dots, head = call.path["span"].partition("...")
    if not dots:
        raise not_found()
    start, end = _commit_named(repo, base), _commit_named(repo, head)
    found = compare(repo.git, start.sha, end.sha)
    if found is None:
        raise Refused(404, f"No common ancestor between {base} and {head}.")
    if "diff" in call.accept:
        return Answer(unified(repo.git, found.merge_base, end.sha))
    return Answer(compare_json(call.site, repo, found))


def get_commit(call: Call) -> Answer:
    """One commit with its files (registered last: its path takes everything)."""
    commit = commit_of(call, call.path["ref"])
    git = call.repo.git
    files = changed_files(git, commit.parents[0], commit.sha) if commit.parents else ()
    if "diff" in call.accept and commit.parents:
        return Answer(unified(git, commit.parents[0], commit.sha))
    author = call.world.users.get(commit.author.name.lower())
    return Answer(commit_json(call.site, call.repo, commit, author, files))


def commit_of(call: Call, name: str) -> Commit:
    """The commit that a branch, tag or object name means; GitHub answers 422 when there is none."""
    try:
        return _commit_named(call.repo, name)
    except Refused:
        raise Refused(422, f"No commit found for SHA: {name}") from None


def _commit_named(repo: Repository, name: str) -> Commit:
    short = name.removeprefix(f"{repo.owner.login}:").removeprefix("refs/")
    for candidate in (f"{_BRANCHES}{short.removeprefix('heads/')}", f"refs/tags/{short}", f"refs/{short}", short):
        sha = repo.git.resolve(candidate)
        if sha:
            return repo.git.commit(sha)
    raise Refused(404, f"No commit found for the ref {name}")


def _commit_json(call: Call, commit: Commit) -> Json:
    return commit_json(call.site, call.repo, commit, call.world.users.get(commit.author.name.lower()))


def _ref_json(call: Call, ref: str) -> Json:
    sha = call.repo.git.refs().get(ref)
    if sha is None:
        raise not_found()
    return ref_json(call.site, call.repo, ref, sha)

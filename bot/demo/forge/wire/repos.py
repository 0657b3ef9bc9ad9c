"""Repositories, branches, commits and contents on the wire."""

import base64

from bot.demo.forge.git.bare import Commit, Signature
from bot.demo.forge.git.diff import ChangedFile, Comparison
from bot.demo.forge.model import Repository, User
from bot.demo.forge.wire.people import maybe_user, user_json
from bot.demo.forge.wire.site import Json, Site, stamp

_PLAIN_LINKS = (
    "comments contributors deployments downloads events forks hooks languages merges stargazers subscribers "
    "subscription tags teams"
)
_TEMPLATE_LINKS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "{/user}",
    "branches": "{/branch}",
    "collaborators": "{/collaborator}",
    "commits": "{/sha}",
    "issues": "{/number}",
    "keys": "{/key_id}",
    "labels": "{/name}",
    "milestones": "{/number}",
    "notifications": "{?since,all,participating}",
    "pulls": "{/number}",
    "releases": "{/id}",
}
_ODD_LINKS = {
    "blobs_url": "git/blobs{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "statuses_url": "statuses/{sha}",
    "trees_url": "git/trees{/sha}",
}


def repo_api(site: Site, repo: Repository) -> str:
    """The REST address of a repository."""
    return f"{site.api}/repos/{repo.full_name}"


def repo_web(site: Site, repo: Repository) -> str:
    """The page of a repository."""
    return f"{site.web}/{repo.full_name}"


def repo_json(site: Site, repo: Repository) -> Json:
    """A repository as REST and webhooks carry it."""
    url, web = repo_api(site, repo), repo_web(site, repo)
    links = {f"{name}_url": f"{url}/{name}" for name in _PLAIN_LINKS.split()}
    links |= {f"{name}_url": f"{url}/{name}{tail}" for name, tail in _TEMPLATE_LINKS.items()}
    links |= {name: f"{url}/{tail}" for name, tail in _ODD_LINKS.items()}
    host = site.web.partition("://")[2]
    return {
        "id": repo.id,
        "node_id": f"R_{repo.id}",
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "visibility": "private" if repo.private else "public",
        "owner": user_json(site, repo.owner),
        "html_url": web,
        "url": url,
        **links,
        "description": repo.description,
        "git_url": f"git://{host}/{repo.full_name}.git",
        "ssh_url": f"git@{host}:{repo.full_name}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "default_branch": repo.default_branch,
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.pushed_at),
        "pushed_at": stamp(repo.pushed_at),
        **_constants(repo),
    }


def _constants(repo: Repository) -> Json:
    open_issues = sum(issue.state == "open" for issue in repo.issues.values())
    zero = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size")
    no = ("disabled", "is_template", "has_pages", "has_wiki", "has_projects", "has_discussions")
    return {
        **dict.fromkeys(zero, 0),
        **dict.fromkeys(no, False),
        **dict.fromkeys(("mirror_url", "homepage", "language", "license")),
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        "fork": repo.fork,
        "archived": repo.archived,
        "has_issues": repo.has_issues,
        "has_downloads": True,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "topics": [],
    }


def full_repo_json(site: Site, repo: Repository) -> Json:
    """The answer of `GET /repos/{owner}/{repo}`: with the ways in which pull requests may be merged."""
    ways = dict.fromkeys(("allow_merge_commit", "allow_squash_merge", "allow_rebase_merge"), True)
    return {**repo_json(site, repo), **ways, "subscribers_count": 0, "network_count": 0}


def person_json(who: Signature) -> Json:
    """An author or committer as git knows them."""
    return {"name": who.name, "email": who.email, "date": who.when.astimezone().isoformat()}


def commit_json(
    site: Site, repo: Repository, commit: Commit, author: User | None = None, files: tuple[ChangedFile, ...] = ()
) -> Json:
    """A commit; `files` only in the answer for a single one."""
    url, web = repo_api(site, repo), repo_web(site, repo)
    sha = commit.sha
    shape: Json = {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": f"{url}/commits/{sha}",
        "html_url": f"{web}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "author": maybe_user(site, author),
        "committer": maybe_user(site, author),
        "parents": [
            {"sha": one, "url": f"{url}/commits/{one}", "html_url": f"{web}/commit/{one}"} for one in commit.parents
        ],
        "commit": {
            "url": f"{url}/git/commits/{sha}",
            "message": commit.message,
            "author": person_json(commit.author),
            "committer": person_json(commit.committer),
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "payload": None,
                "signature": None,
                "verified_at": None,
            },
        },
    }
    if files:
        plus, minus = sum(one.additions for one in files), sum(one.deletions for one in files)
        shape["stats"] = {"total": plus + minus, "additions": plus, "deletions": minus}
        shape["files"] = [file_json(site, repo, one, sha) for one in files]
    return shape


def file_json(site: Site, repo: Repository, changed: ChangedFile, head: str) -> Json:
    """One file of a diff."""
    url, web = repo_api(site, repo), repo_web(site, repo)
    shape: Json = {
        "sha": changed.sha,
        "filename": changed.path,
        "status": changed.status,
        "additions": changed.additions,
        "deletions": changed.deletions,
        "changes": changed.additions + changed.deletions,
        "blob_url": f"{web}/blob/{head}/{changed.path}",
        "raw_url": f"{web}/raw/{head}/{changed.path}",
        "contents_url": f"{url}/contents/{changed.path}?ref={head}",
    }
    if changed.patch is not None:
        shape["patch"] = changed.patch
    if changed.previous is not None:
        shape["previous_filename"] = changed.previous
    return shape


def compare_json(site: Site, repo: Repository, found: Comparison) -> Json:
    """The answer of `GET compare/{base}...{head}`."""
    url, web = repo_api(site, repo), repo_web(site, repo)
    ahead = len(found.commits)
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    page = f"{web}/compare/{found.base}...{found.head}"
    return {
        "url": f"{url}/compare/{found.base}...{found.head}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit_json(site, repo, repo.git.commit(found.base)),
        "merge_base_commit": commit_json(site, repo, repo.git.commit(found.merge_base)),
        "status": status[bool(ahead), bool(found.behind)],
        "ahead_by": ahead,
        "behind_by": found.behind,
        "total_commits": ahead,
        "commits": [commit_json(site, repo, one) for one in found.commits],
        "files": [file_json(site, repo, one, found.head) for one in found.files],
    }


def ref_json(site: Site, repo: Repository, ref: str, sha: str) -> Json:
    """A git reference."""
    url = repo_api(site, repo)
    return {
        "ref": ref,
        "node_id": f"REF_{repo.id}:{ref}",
        "url": f"{url}/git/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"},
    }


def branch_json(site: Site, repo: Repository, name: str, commit: Commit) -> Json:
    """The answer of `GET branches/{branch}`."""
    url = repo_api(site, repo)
    return {
        "name": name,
        "commit": commit_json(site, repo, commit),
        "_links": {"self": f"{url}/branches/{name}", "html": f"{repo_web(site, repo)}/tree/{name}"},
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{url}/branches/{name}/protection",
    }


def content_json(
    site: Site, repo: Repository, path: str, ref: str, kind: str, sha: str, data: bytes | None, size: int
) -> Json:
    """A file (with its content) or an entry of a directory listing (without)."""
    url, web = repo_api(site, repo), repo_web(site, repo)
    own = f"{url}/contents/{path}?ref={ref}"
    part = "blob" if kind == "file" else "tree"
    git_url, page = f"{url}/git/{part}s/{sha}", f"{web}/{part}/{ref}/{path}"
    shape: Json = {
        "type": kind,
        "size": size,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": own,
        "git_url": git_url,
        "html_url": page,
        "download_url": f"{web}/raw/{ref}/{path}" if kind == "file" else None,
        "_links": {"self": own, "git": git_url, "html": page},
    }
    if data is not None:
        shape |= {"encoding": "base64", "content": base64.encodebytes(data).decode()}
    return shape

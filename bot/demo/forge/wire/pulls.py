"""Pull requests, reviews and inline comments on the wire."""

from bot.demo.forge.git.diff import changed_files, commits_between, merge_base
from bot.demo.forge.git.merge import try_merge
from bot.demo.forge.model import Pull, Review, ReviewComment
from bot.demo.forge.wire.issues import label_json, reactions_json
from bot.demo.forge.wire.people import association, maybe_user, user_json
from bot.demo.forge.wire.repos import repo_api, repo_json, repo_web
from bot.demo.forge.wire.site import Json, Site, maybe_stamp, stamp


def diff_base(pull: Pull) -> str:
    """The commit that a pull request's diff starts from."""
    return pull.diff_base or merge_base(pull.repo.git, base_tip(pull), pull.head_sha) or pull.base_sha


def base_tip(pull: Pull) -> str:
    """Where the base branch is now; a closed pull request keeps what it had."""
    live = pull.repo.refs.get(f"refs/heads/{pull.base_ref}") if pull.issue.state == "open" else None
    return live or pull.base_sha


def pull_url(site: Site, pull: Pull) -> str:
    """The REST address of a pull request."""
    return f"{repo_api(site, pull.repo)}/pulls/{pull.number}"


def pull_page(site: Site, pull: Pull) -> str:
    """The page of a pull request."""
    return f"{repo_web(site, pull.repo)}/pull/{pull.number}"


def pull_json(site: Site, pull: Pull) -> Json:
    """A pull request as lists carry it."""
    issue, repo = pull.issue, pull.repo
    url, web, api = pull_url(site, pull), pull_page(site, pull), repo_api(site, pull.repo)
    issue_url = f"{api}/issues/{pull.number}"
    return {
        "url": url,
        "id": pull.id,
        "node_id": f"PR_{pull.id}",
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "issue_url": issue_url,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{api}/pulls/comments{{/number}}",
        "comments_url": f"{issue_url}/comments",
        "statuses_url": f"{api}/statuses/{pull.head_sha}",
        "number": pull.number,
        "state": issue.state,
        "locked": issue.locked,
        "title": issue.title,
        "body": issue.body,
        "user": user_json(site, issue.author),
        "author_association": association(repo, issue.author),
        "labels": [label_json(site, label) for label in issue.labels],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": maybe_stamp(issue.closed_at),
        "merged_at": maybe_stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": maybe_user(site, issue.assignees[0] if issue.assignees else None),
        "assignees": [user_json(site, who) for who in issue.assignees],
        "requested_reviewers": [user_json(site, who) for who in pull.requested_reviewers],
        "requested_teams": [],
        "draft": pull.draft,
        "head": _end(site, pull, pull.head_ref, pull.head_sha),
        "base": _end(site, pull, pull.base_ref, pull.base_sha),
        "_links": _links(site, pull),
        "auto_merge": None,
    }


def full_pull_json(site: Site, pull: Pull) -> Json:
    """A single pull request: with what git says about merging it and about its size."""
    git, start = pull.repo.git, diff_base(pull)
    files = changed_files(git, start, pull.head_sha)
    mergeable, state = mergeability(pull)
    return {
        **pull_json(site, pull),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": state,
        "merged_by": maybe_user(site, pull.merged_by),
        "comments": len(pull.issue.comments),
        "review_comments": len(pull.comments),
        "maintainer_can_modify": False,
        "commits": len(commits_between(git, start, pull.head_sha)),
        "additions": sum(one.additions for one in files),
        "deletions": sum(one.deletions for one in files),
        "changed_files": len(files),
    }


def mergeability(pull: Pull) -> tuple[bool | None, str]:
    """`mergeable` and `mergeable_state`, from a trial merge with the base branch as it is now."""
    if pull.issue.state == "closed":
        return None, "unknown"
    if try_merge(pull.repo.git, base_tip(pull), pull.head_sha).tree is None:
        return False, "dirty"
    if pull.draft:
        return True, "draft"
    runs = [run for run in pull.repo.check_runs.values() if run.head_sha == pull.head_sha]
    good = all(run.conclusion in ("success", "neutral", "skipped") for run in runs)
    return True, "clean" if good else "unstable"


def _end(site: Site, pull: Pull, ref: str, sha: str) -> Json:
    repo = pull.repo
    return {
        "label": f"{repo.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user_json(site, repo.owner),
        "repo": {
            **repo_json(site, repo),
            "allow_merge_commit": True,
            "allow_squash_merge": True,
            "allow_rebase_merge": True,
            "allow_auto_merge": False,
            "allow_update_branch": False,
            "delete_branch_on_merge": False,
        },
    }


def _links(site: Site, pull: Pull) -> Json:
    api, url = repo_api(site, pull.repo), pull_url(site, pull)
    targets = {
        "self": url,
        "html": pull_page(site, pull),
        "issue": f"{api}/issues/{pull.number}",
        "comments": f"{api}/issues/{pull.number}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    return {name: {"href": href} for name, href in targets.items()}


def review_json(site: Site, review: Review) -> Json:
    """A submitted review."""
    page = f"{pull_page(site, review.pull)}#pullrequestreview-{review.id}"
    url = pull_url(site, review.pull)
    shape: Json = {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": user_json(site, review.author),
        "body": review.body,
        "state": review.state,
        "html_url": page,
        "pull_request_url": url,
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "commit_id": review.commit_id,
        "author_association": association(review.pull.repo, review.author),
    }
    if review.state != "PENDING":
        shape["submitted_at"] = stamp(review.submitted_at)
    return shape


def thread_json(root: ReviewComment) -> Json:
    """A thread as GraphQL knows it: by its own node id, with the ids of its comments."""
    said = [root, *(one for one in root.pull.comments if one.in_reply_to is root)]
    return {
        "id": f"PRRT_{root.id}",
        "isResolved": root.resolved,
        "isOutdated": root.line is None,
        "path": root.path,
        "line": root.line,
        "comments": {"nodes": [{"id": f"PRRC_{one.id}", "databaseId": one.id} for one in said]},
    }


def review_comment_json(site: Site, comment: ReviewComment) -> Json:
    """An inline comment. `position` counts lines of the hunk; both it and `line` are null once outdated."""
    pull = comment.pull
    url = f"{repo_api(site, pull.repo)}/pulls/comments/{comment.id}"
    page = f"{pull_page(site, pull)}#discussion_r{comment.id}"
    position = comment.diff_hunk.count("\n")
    shape: Json = {
        "id": comment.id,
        "node_id": f"PRRC_{comment.id}",
        "url": url,
        "html_url": page,
        "pull_request_url": pull_url(site, pull),
        "pull_request_review_id": comment.review.id,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "position": position if comment.line is not None else None,
        "original_position": position,
        "commit_id": comment.commit_id,
        "original_commit_id": comment.original_commit_id,
        "user": user_json(site, comment.author),
        "author_association": association(pull.repo, comment.author),
        "body": comment.body,
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url(site, pull)}},
        "reactions": reactions_json(url, comment.reactions),
        "start_line": comment.start_line if comment.line is not None else None,
        "original_start_line": comment.start_line,
        "start_side": comment.side if comment.start_line else None,
        "line": comment.line,
        "original_line": comment.original_line,
        "side": comment.side,
        "subject_type": "line",
    }
    if comment.in_reply_to:
        shape["in_reply_to_id"] = comment.in_reply_to.id
    return shape

"""What to mend when a repository's rules reject our branch."""

from bot.task.ids import BranchName, PullNumber

_WHERE = "in Settings → Rules (or Settings → Branches)"
_MENDS = (
    (
        "verified signatures",
        f"take `agent/**` out of the rule that requires signed commits, or let the App bypass it, {_WHERE}",
    ),
    (
        "creations being restricted",
        f"let the App bypass the rule that restricts creations, or leave `agent/**` out of it, {_WHERE}",
    ),
    (
        "updates being restricted",
        f"let the App bypass the rule that restricts updates, or leave `agent/**` out of it, {_WHERE}",
    ),
    (
        "merge commits",
        f"rebase the branch, or leave `agent/**` out of the rule that requires a linear history, {_WHERE}",
    ),
    (
        "linear history",
        f"rebase the branch, or leave `agent/**` out of the rule that requires a linear history, {_WHERE}",
    ),
    (
        "status check",
        f"leave `agent/**` out of the rule that requires status checks, {_WHERE}; it is needed on the base alone",
    ),
    (
        "through a pull request",
        f"leave `agent/**` out of the rule that requires pull requests, {_WHERE}; it is needed on the base alone",
    ),
    ("secret", "take the secret out of the change, or allow it on the page that GitHub names"),
    ("archived", "unarchive the repository"),
    ("workflow", "the App may not change workflows; a person has to push this change"),
    (
        "permission to",
        "give the App the permission `contents: write` (app.yml lists it), and accept it in the installation",
    ),
)
"""Words of GitHub, and the mend."""
_RULES = ("rule violations", "protected branch", "gh006", "gh013", "restricted")


def retargeted(pull: PullNumber, base: BranchName, default: BranchName) -> str:
    """Why a run on a pull request onto another branch is refused."""
    return (
        f"pull request {pull} goes to `{base}` now, and I work onto the default branch `{default}` alone: its rules "
        f"and checks are the ones that hold. Let it go to `{default}` again, then `/agent retry`."
    )


def rejected(branch: BranchName, reason: str) -> str:
    """One sentence in GitHub's words, and one that says what to do."""
    told = f"GitHub does not take the branch `{branch}`: {reason.rstrip('.')}."
    mend = _mend(reason.casefold())
    return f"{told} {mend[0].upper()}{mend[1:]}." if mend else told


def _mend(reason: str) -> str:
    for words, mend in _MENDS:
        if words in reason:
            return mend
    if any(words in reason for words in _RULES):
        return f"let the App bypass this rule, or leave `agent/**` out of it, {_WHERE}"
    return ""

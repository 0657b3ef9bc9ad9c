"""What a person reads when a rule of the repository rejects our branch."""

import pytest
from inline_snapshot import snapshot

from bot.task.ids import BranchName
from bot.words.rules import rejected
from bot.workspace.rejected import reason

BRANCH = BranchName("agent/7-fix")
VERDICT = "!\taaaa:refs/heads/agent/7-fix\t[remote rejected] (push declined due to repository rule violations)"


def ruleset(*rules: str) -> str:
    """As GitHub writes it, trailing blanks included."""
    head = [
        "remote: error: GH013: Repository rule violations found for refs/heads/agent/7-fix.        ",
        "remote: Review all repository rules at https://github.com/o/r/rules?ref=refs%2Fheads%2Fagent%2F7-fix        ",
        "remote: ",
    ]
    told = [
        line for rule in rules for line in (f"remote: - {rule}        ", "remote:   Found 1 violation:  ", "remote: ")
    ]
    return "\n".join([*head, *told, "error: failed to push some refs to 'https://github.com/o/r'"])


def protected(*rules: str) -> str:
    head = ["remote: error: GH006: Protected branch update failed for refs/heads/agent/7-fix.        "]
    return "\n".join([*head, *(f"remote: error: {rule}        " for rule in rules)])


def said(complaint: str) -> str:
    return rejected(BRANCH, reason(VERDICT, complaint))


def test_the_rule_is_named_in_githubs_words() -> None:
    assert said(ruleset("Commits must have verified signatures.")) == snapshot(
        "GitHub does not take the branch `agent/7-fix`: GH013: Repository rule violations found for refs/heads/agent/7-fix: Commits must have verified signatures. Take `agent/**` out of the rule that requires signed commits, or let the App bypass it, in Settings → Rules (or Settings → Branches)."
    )
    assert said(protected('Required status check "ci" is expected.')) == snapshot(
        'GitHub does not take the branch `agent/7-fix`: GH006: Protected branch update failed for refs/heads/agent/7-fix: Required status check "ci" is expected. Leave `agent/**` out of the rule that requires status checks, in Settings → Rules (or Settings → Branches); it is needed on the base alone.'
    )


@pytest.mark.parametrize(
    ("complaint", "rule", "mend"),
    [
        (ruleset("Cannot create ref due to creations being restricted."), "creations", "bypass the rule that restricts creations"),
        (ruleset("Cannot update this protected ref."), "protected ref", "bypass this rule"),
        (ruleset("This branch must not contain merge commits."), "merge commits", "Rebase the branch"),
        (ruleset("Changes must be made through a pull request."), "pull request", "requires pull requests"),
        (ruleset("Push cannot contain secrets"), "cannot contain secrets", "Take the secret out"),
        (protected("You're not authorized to push to this branch."), "not authorized", "bypass this rule"),
        (protected("At least 1 approving review is required."), "approving review", "bypass this rule"),
        ("remote: Permission to o/r.git denied to wright[bot].", "denied", "`contents: write`"),
        ("remote: error: This repository was archived so it is read-only.", "archived", "Unarchive"),
        ("remote: error: Trace: 5a; File big is 101.00 MB", "101.00 MB", ""),
    ],
)  # fmt: skip
def test_a_rule_and_its_mend(complaint: str, rule: str, mend: str) -> None:
    text = said(complaint)
    assert rule in text
    assert mend in text
    assert "\n" not in text


def test_two_rules_are_both_named() -> None:
    text = said(
        ruleset("Commits must have verified signatures.", "Cannot create ref due to creations being restricted.")
    )
    assert "signatures. Cannot create ref" in text


def test_a_remote_without_words() -> None:
    assert (
        reason(VERDICT, "error: failed to push some refs")
        == "[remote rejected] (push declined due to repository rule violations)"
    )

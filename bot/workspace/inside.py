"""What our own git runs with inside a sandbox, and its scripts there."""

HOME, TASK, REPORTS = "/home/agent", "/task", "/reports"

GIT_INSIDE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    **{f"GIT_{role}_{key}": "agent" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
    "GIT_CONFIG_COUNT": "5",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "gc.auto",
    "GIT_CONFIG_VALUE_2": "0",
    "GIT_CONFIG_KEY_3": "core.bigFileThreshold",
    "GIT_CONFIG_VALUE_3": "1m",
    "GIT_CONFIG_KEY_4": "advice.addEmbeddedRepo",
    "GIT_CONFIG_VALUE_4": "false",
}
"""For our own git commands inside a sandbox; the agent's git sees none of it."""

CHECK_OUT = """set -eu
umask 022
tree=$1 commit=$2; shift 2
cd "$tree"
git init -q -b work --template= .
mkdir -p .git/objects/info
printf '%s\\n' "$@" > .git/objects/info/alternates
git config user.name agent
git config user.email agent@localhost
git update-ref refs/heads/work "$commit"
git read-tree -mu HEAD
"""
"""TREE COMMIT STORE…: the commit in an empty folder."""

SWITCH = """set -eu
commit=$1; shift
printf '%s\\n' "$@" > .git/objects/info/alternates
git update-ref refs/heads/work "$commit"
git read-tree --reset -u HEAD
"""
"""COMMIT STORE…: from one commit to another in a worktree that nobody has touched."""

REFRESH = """set -eu
git read-tree HEAD
if [ "$(git ls-files | wc -l)" -gt 200 ]; then sleep 1; fi
git update-index -q --refresh
"""
"""The index knows every file as it is now.

git trusts what it knows of a file only if the index is younger, and many a git counts in whole seconds.
"""

_FRESH = """set -eu
tree=$1 repository=$2 parent=$3 index=$4; shift 4
git init -q --bare --template= "$repository"
mkdir -p "$repository/objects/info"
printf '%s\\n' "$@" > "$repository/objects/info/alternates"
export GIT_DIR="$repository"
if [ -n "$index" ]; then cp -p "$index" "$repository/index"; fi
git --work-tree="$tree" read-tree --reset "$parent"
"""
"""TREE REPOSITORY PARENT INDEX STORE…: a fresh git folder beside the tree.

A `.git` in the tree is never used: it may be anything. INDEX is ours, from the template, or empty; it saves git from
hashing files that nobody has touched. Its age is kept: by that git sees which files it may trust.
"""
_ADD = 'git --work-tree="$tree" add -A .\n'

PACK = f"""{_FRESH}{_ADD}
made=$(git write-tree)
commit=$(git commit-tree "$made" -p "$parent" -m harvest)
git update-ref refs/heads/harvest "$commit"
echo "$made $commit"
exec git upload-pack --stateless-rpc --strict "$repository"
"""
"""One line with tree and commit of what is in the worktree now, and the answer to one fetch of it."""

LEFT = f"""exec 2>/dev/null
{_FRESH}git --work-tree="$tree" ls-files -z --others --directory
printf '\\0'
{_ADD}git diff-index --cached --raw -z --no-abbrev --no-renames "$parent"
"""
"""Files and folders that are new, an empty name, and how the tree differs from its parent without what git ignores."""

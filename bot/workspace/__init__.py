"""All git: mirror, sandbox worktree, harvest, publish."""

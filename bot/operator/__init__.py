"""The operator's file, `issuewright.toml`: read, checked against this machine, joined with the environment."""

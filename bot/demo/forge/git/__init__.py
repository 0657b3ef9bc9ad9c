"""Real git under the forge: bare repositories, diffs, merges."""

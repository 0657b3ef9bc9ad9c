"""Run a process that cannot hurt us."""

"""Run one turn of any coding agent, in a sandbox."""

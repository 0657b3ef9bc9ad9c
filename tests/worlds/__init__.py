"""The outside: two worlds with the same verbs. The small one lives in memory, the real one in git and processes."""

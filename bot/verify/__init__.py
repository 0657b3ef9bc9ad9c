"""Evidence on the exact commit: the repository's checks."""

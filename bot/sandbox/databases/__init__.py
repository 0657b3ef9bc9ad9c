"""A database for each task, that nobody else reaches."""

"""What a person asked for and cannot be tried."""


class Unfit(Exception):
    """The repository, the issue or the agent cannot be used; the text is one sentence that says how to mend it."""

"""What may go wrong with git beyond the answers that are values."""


class GitFailed(Exception):
    """A git command on a repository of ours failed: our fault, or the machine's."""

    def __init__(self, words: str, code: int | None, complaint: str) -> None:
        super().__init__(f"git {words}: {complaint or f'exit code {code}'}")
        self.code = code
        self.complaint = complaint


class RemoteUnavailable(Exception):
    """The remote could not be reached or did not let us in: worth another try later, with a fresh token."""

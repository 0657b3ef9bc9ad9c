"""What the forge refuses, in GitHub's words: a status, a message and error rows."""

from dataclasses import dataclass, field
from typing import Any

DOCS = "https://docs.github.com/rest"


@dataclass(slots=True, eq=False)
class Refused(Exception):
    """The world said no. `status` is the HTTP status that GitHub answers with."""

    status: int
    message: str
    errors: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON of GitHub's error answers."""
        shape: dict[str, Any] = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        if self.errors:
            shape["errors"] = self.errors
        return shape


def not_found() -> Refused:
    """404: also GitHub's answer for what the caller may not see."""
    return Refused(404, "Not Found")


def forbidden(message: str = "Resource not accessible by integration") -> Refused:
    """403: seen, but not allowed."""
    return Refused(403, message)


def invalid(resource: str, field_name: str, code: str = "invalid", message: str | None = None) -> Refused:
    """422 with one error row. `code` is missing_field, invalid, already_exists, custom …"""
    row = {"resource": resource, "field": field_name, "code": code}
    if message is not None:
        row["message"] = message
    return Refused(422, "Validation Failed", [row])

"""Issuewright: label a GitHub issue `agent:run`, review a pull request."""

__version__ = "0.1.0"

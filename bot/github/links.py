"""The `Link` header (RFC 8288), as far as GitHub uses it for pages."""

import re

_LINK = re.compile(r'<([^>]+)>\s*;\s*rel="([^"]+)"')


def next_page(header: str | None) -> str | None:
    """The address of the next page; None on the last one."""
    links = {rel: url for url, rel in _LINK.findall(header or "")}
    return links.get("next")

"""Templates and the headers of every page: no script may run, nothing is fetched from elsewhere."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bot.web.addresses import Addresses
from bot.words.plain import count, duration, one_line

_HERE = Path(__file__).parent
STYLE = _HERE / "static" / "style.css"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class Rendering:
    """Turns the values of a page into a response. `clock` stamps the pages."""

    def __init__(self, addresses: Addresses, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._style = STYLE.read_bytes()
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        version = hashlib.sha256(self._style).hexdigest()[:12]
        self._environment.globals.update(at=addresses, style=f"/static/style.css?v={version}")
        self._environment.filters.update(count=count, duration=duration, one_line=one_line, clock=_clock_time, day=_day)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A whole page."""
        text = self._environment.get_template(template).render(now=self._clock(), **values)
        return HTMLResponse(text, status, HEADERS)

    def style(self) -> Response:
        """The one style sheet; its address changes with its content."""
        return Response(self._style, headers={**HEADERS, "cache-control": _FOR_EVER}, media_type="text/css")


def _clock_time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"

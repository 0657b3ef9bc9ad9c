"""The whole face as one ASGI application: the receiver in front, the pages behind it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from bot.store.store import Store
from bot.web.asgi import ASGIApp
from bot.web.lazily import Lazily
from bot.web.probes import Readiness
from bot.web.webhooks import Bounds, Receiver


def build_app(
    store: Store,
    *,
    secret: bytes,
    readiness: Callable[[], Readiness],
    clock: Callable[[], datetime],
    operator_token: str | None = None,
    public_url: str | None = None,
    html_url: str = "https://github.com",
    bounds: Bounds | None = None,
) -> ASGIApp:
    """`secret` is the App's webhook secret; links are signed with a key derived from it.

    The pages and their framework are loaded by the first request that is no delivery.
    """
    answers: Counter[int] = Counter()

    def pages() -> ASGIApp:
        from bot.web.addresses import Addresses
        from bot.web.guard import Guard
        from bot.web.pages import Pages, build_pages
        from bot.web.rendering import Rendering

        guard = Guard(secret, operator_token, public_url, clock)
        rendering = Rendering(Addresses(html_url), clock)
        return build_pages(Pages(store, guard, rendering, readiness, answers, clock))

    return Receiver(store, secret, Lazily(pages), answers, bounds)

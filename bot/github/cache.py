"""Pages that GitHub answered before, parsed, so that an unchanged page costs neither rate limit nor parsing."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its entity tag, its parsed items, and where the next page is."""

    etag: str
    items: tuple[object, ...]
    following: str | None
    size: int
    """Bytes of JSON that it was made of: what it costs to keep, roughly."""


class PageCache:
    """The most recently used pages. A key is whatever names a page: who asks, and the whole address."""

    def __init__(self, most_bytes: int = 16 << 20) -> None:
        self._room = most_bytes
        self._pages: OrderedDict[object, Page] = OrderedDict()

    def get(self, key: object) -> Page | None:
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def put(self, key: object, page: Page) -> None:
        old = self._pages.pop(key, None)
        self._pages[key] = page
        self._room += (old.size if old else 0) - page.size
        while self._room < 0:
            self._room += self._pages.popitem(last=False)[1].size

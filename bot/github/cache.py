"""Pages that GitHub answered before, parsed, so that an unchanged page costs neither rate limit nor parsing."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its entity tag, its parsed items, and where the next page is."""

    etag: str
    items: tuple[object, ...]
    following: str | None


class PageCache:
    """The most recently used pages. A key is whatever names a page: who asks, and the whole address."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._pages: OrderedDict[object, Page] = OrderedDict()

    def get(self, key: object) -> Page | None:
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def put(self, key: object, page: Page) -> None:
        self._pages[key] = page
        self._pages.move_to_end(key)
        while len(self._pages) > self._most:
            self._pages.popitem(last=False)

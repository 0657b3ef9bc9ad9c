"""The memory of pages keeps within its size."""

from bot.github.cache import Page, PageCache


def page(size: int) -> Page:
    return Page("tag", (size,), None, size)


def test_the_least_used_page_goes_first() -> None:
    cache = PageCache(most_bytes=100)
    cache.put("a", page(40))
    cache.put("b", page(40))
    assert cache.get("a") is not None
    cache.put("c", page(40))
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (page(40), None, page(40))


def test_a_renewed_page_takes_its_place() -> None:
    cache = PageCache(most_bytes=100)
    for size in (60, 90, 70):
        cache.put("a", page(size))
    cache.put("b", page(30))
    assert (cache.get("a"), cache.get("b")) == (page(70), page(30))


def test_what_is_too_large_is_not_kept() -> None:
    cache = PageCache(most_bytes=100)
    cache.put("a", page(101))
    assert cache.get("a") is None
    cache.put("b", page(100))
    assert cache.get("b") == page(100)

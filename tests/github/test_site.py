"""Which host is which GitHub, and what is no host at all."""

import pytest

from bot.github.site import GITHUB, Site, site_of, site_of_api


@pytest.mark.parametrize("said", ["github.com", " GitHub.com/ ", "https://github.com", "https://www.github.com"])
def test_github_itself(said: str) -> None:
    assert site_of(said) == GITHUB


@pytest.mark.parametrize(
    ("said", "html", "api"),
    [
        ("git.example.com", "https://git.example.com", "https://git.example.com/api/v3"),
        ("https://git.example.com:8443/", "https://git.example.com:8443", "https://git.example.com:8443/api/v3"),
        ("octo.ghe.com", "https://octo.ghe.com", "https://api.octo.ghe.com"),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090", "http://127.0.0.1:8090/api/v3"),
        ("http://localhost:8090", "http://localhost:8090", "http://localhost:8090/api/v3"),
    ],
)
def test_other_sites_and_back(said: str, html: str, api: str) -> None:
    assert site_of(said) == Site(html, api)
    assert site_of_api(api) == Site(html, api)


@pytest.mark.parametrize(
    "said",
    [
        "", "https://", "no host", "a/b", "github.com/octo", "user:pw@github.com", "github.com@evil.example", "a..b",
        "-a.example", "http://git.example.com", "ftp://git.example.com", "javascript:alert(1)", "a.example?x", "a;b",
        "a.example:port", "'self'", "*", "a.example\nhttps://b.example",
        "\N{CYRILLIC SMALL LETTER A}.example", "a" * 64,
    ],
)  # fmt: skip
def test_what_is_no_site(said: str) -> None:
    assert site_of(said) is None

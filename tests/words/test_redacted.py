"""Secrets are taken out in the forms in which programs print them."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from bot.words.redacted import MARK, Redactor

SECRET = 'p@ss/w0rd+"of ours"é'


@pytest.mark.parametrize("before", ["", "x", "xy", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_wherever_it_begins(before: str, encode: object) -> None:
    coded = encode(f"{before}{SECRET} and more".encode()).decode()  # type: ignore[operator]
    clean = Redactor([SECRET]).text(f"log: {coded}")
    assert MARK in clean
    assert base64.b64encode(SECRET.encode()).decode()[4:12] not in clean


@pytest.mark.parametrize(
    "form",
    [SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1], SECRET.encode().hex()],
)
def test_other_forms(form: str) -> None:
    assert Redactor([SECRET]).text(f"a {form} b") == f"a {MARK} b"
    assert Redactor([SECRET]).data(f"a {form} b".encode()) == f"a {MARK} b".encode()


def test_lines_of_a_long_secret_and_the_longest_of_two() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----"
    assert Redactor([key]).text("see MIIEvQIBADANBgkqhkiG9w0BAQEFAASC!") == f"see {MARK}!"
    assert Redactor(["secret", "secret-of-mine"]).text("secret-of-mine") == MARK


def test_nothing_to_hide_changes_nothing() -> None:
    for redactor in (Redactor(), Redactor(["", "short"])):
        assert redactor.text("short \udcff") == "short \udcff"

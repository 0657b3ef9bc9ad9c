"""What kind of failure a report tells of: an assertion, a name that is not there, a file that does not load, or else.

Only the words of the report are known, and they are the repository's: a test can say anything. So the exception's type
decides first, then the first line of the message, and the long text only where runners write nothing else.
"""

import re

from bot.task.evidence import FailureKind

_TEXT = 20_000
"""How much of a failure's text is looked at; compilers and runners say what matters at the top."""

_ASSERTION_TYPES = (
    "assertionerror",
    "assertionfailederror",
    "assertionfailed",
    "comparisonfailure",
    "expectationfailedexception",
    "expectationnotmeterror",
    "multiplefailureserror",
    "multipleassertionfailurerror",
    "jestassertionerror",
    "multipleexpectationsnotmeterror",
    "minitest::assertion",
)
_MISSING_TYPES = (
    "nameerror",
    "unboundlocalerror",
    "importerror",
    "modulenotfounderror",
    "attributeerror",
    "referenceerror",
    "nosuchmethoderror",
    "nosuchfielderror",
    "noclassdeffounderror",
    "classnotfoundexception",
    "nomethoderror",
    "loaderror",
)
_ASSERTION_LINE = re.compile(
    r"assert(?:ion)?\b|Failed: |DID NOT RAISE|Error: expect\(|expect\(|AssertionError|Expected:|expected[: ]"
    r"|Failed asserting|assertion `|assertion failed|Expectation|\[XPASS\(strict\)\]",
    re.IGNORECASE,
)
_RUST_ASSERTION = re.compile(r"assertion (?:`[^`\n]{0,80}`|failed)|assertion failed")
_MISSING_WORDS = re.compile(
    r"is not defined|is not a function|is not a constructor|Cannot find module|Failed to resolve import"
    r"|does not provide an export named|Failed to load url"
    r"|error TS(?:2304|2305|2306|2307|2339|2459|2551|2552|2613|2614|2724)\b"
    r"|cannot find symbol|package [\w.]+ does not exist|Unresolved compilation problem|unresolved reference"
    r"|undefined: |has no field or method|no required module provides|is not in std\b|cannot find package"
    r"|unresolved import|cannot find (?:function|value|type|macro|struct|trait|crate|attribute|derive|associated)"
    r"|error\[E0(?:405|407|412|422|423|425|432|433|437|438|531|532|560|574|576|599|609)\]|no method named|no field `"
    r"|uninitialized constant|undefined (?:local variable or )?method|cannot load such file"
    r"|Call to undefined (?:function|method)|Class \"[^\"\n]{1,200}\" not found|Undefined constant"
    r"|cannot import name|No module named|module '[\w.]+' has no attribute|has no attribute '|name '\w+' is not defined"
)
_OF_NOTHING = re.compile(
    r"'NoneType' object has no attribute|(?:for|on) nil\b"
    r"|Cannot (?:read|set) propert(?:y|ies)[^\n]{0,80} of (?:undefined|null)"
)
"""A member of nothing is a wrong value, not a name that nobody wrote yet."""
_UNLOADED = re.compile(
    r"collection failure|error(?:s)? during collection|Test suite failed to run|error while importing test module"
    r"|\[build failed\]|\[setup failed\]|error occurred outside of examples|COMPILATION ERROR|could not compile",
    re.IGNORECASE,
)
_PYTHON_SAYS = re.compile(r"^E\s{1,8}([A-Za-z_][\w.]{0,200})(?::|$)", re.MULTILINE)
_EXCEPTION = re.compile(r"\s{0,8}(?:Uncaught\s+)?((?:[A-Za-z_]\w{0,80}[.\\:]{1,2}){0,8}[A-Z]\w{0,80})(?::|$|\s-)")
_GO_CRASH = re.compile(r"^panic: |^fatal error: ", re.MULTILINE)


def failure_kind(element: str, kind: str, message: str, text: str) -> FailureKind:
    """`element` is `failure` or `error`, `kind` its type attribute, `message` and `text` what it says."""
    text = text[:_TEXT]
    first = _first_line(message) or _first_line(text)
    said = message[:_TEXT] + "\n" + text
    if _UNLOADED.search(said):
        return FailureKind.MISSING_NAME if _missing(_cause(text), said) else FailureKind.NOT_COLLECTED
    named = _named(kind) or _named(_exception(first)) or _named(_cause(text) if not kind and not message else "")
    if named is FailureKind.MISSING_NAME:
        return FailureKind.ERROR if _OF_NOTHING.search(said) else named
    if named is not None:
        return named
    return _by_words(element, first, said)


def _by_words(element: str, first: str, said: str) -> FailureKind:
    """What the words alone tell, where no known type of exception is named."""
    if _ASSERTION_LINE.match(first) or _RUST_ASSERTION.search(said[:2000]):
        return FailureKind.ASSERTION
    if _MISSING_WORDS.search(first):
        return FailureKind.ERROR if _OF_NOTHING.search(first) else FailureKind.MISSING_NAME
    if first in ("Failed", ""):
        return _go(element, said)
    return FailureKind.ERROR if element == "error" or _raised(first) else FailureKind.ASSERTION


def _go(element: str, said: str) -> FailureKind:
    """Reports from `go test` name no type; the output is all there is, and each of its tests reports by itself."""
    if _GO_CRASH.search(said):
        return FailureKind.ERROR
    if re.search(r"^\S{1,300}\.go:\d+:\d+: ", said, re.MULTILINE) and _MISSING_WORDS.search(said):
        return FailureKind.MISSING_NAME
    return FailureKind.ASSERTION if element == "failure" else FailureKind.ERROR


def _named(kind: str) -> FailureKind | None:
    name = kind.strip().lower()
    if name.endswith(_ASSERTION_TYPES):
        return FailureKind.ASSERTION
    return FailureKind.MISSING_NAME if name.endswith(_MISSING_TYPES) else None


def _exception(line: str) -> str:
    found = _EXCEPTION.match(line)
    return found[1] if found else ""


def _cause(text: str) -> str:
    """The last exception that Python names in a long report: what came of it all in the end."""
    causes = _PYTHON_SAYS.findall(text)
    return causes[-1] if causes else ""


def _missing(cause: str, said: str) -> bool:
    known = _named(cause) if cause else None
    missing = known is FailureKind.MISSING_NAME or (known is None and _MISSING_WORDS.search(said) is not None)
    return missing and not _OF_NOTHING.search(said)


def _raised(line: str) -> bool:
    return bool(re.match(r"\s{0,8}[\w.\\:]{0,200}(?:Error|Exception|Timeout|Panic|panicked)\b", line)) or (
        "panicked at" in line or "timed out" in line.lower()
    )


def _first_line(text: str) -> str:
    return next((line.strip()[:500] for line in text[:4000].splitlines() if line.strip()), "")

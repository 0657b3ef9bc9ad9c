"""Tests in Go, Rust, Java, Kotlin, C#, Ruby and PHP, and in Python that no parser reads: by pattern, less certain.

A test is a head line and the block below it. Names of definitions are found the same way.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.verify.tested.assertions import named, raises
from bot.verify.tested.blocks import arguments, blanked, closing, indented, line_of, squeezed
from bot.verify.tested.model import Case, Check, Source

_MOST_CASES = 3_000
_MOST_CHECKS = 2_000
_WORD = re.compile(r"[A-Za-z_]\w*")
_VALUE = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?<![\w.])\d[\w.]*")


_OPPOSITES = (("!=", "==", 10), ("==", "!=", 3), (">=", "<", 4), ("<=", ">", 4), ("<", ">=", 4), (">", "<=", 4))
_CONDITION = re.compile(r"\bif\b|unless\b|assume|cfg_attr|If\(")


@dataclass(frozen=True, slots=True)
class Language:
    """How tests look in a language."""

    head: re.Pattern[str]
    """Group `name`, and perhaps `idle` for a form that is never run; searched in the text with strings."""
    asserts: re.Pattern[str]
    """A call that asserts, up to its bracket; group `name`."""
    idle: re.Pattern[str]
    """In the block or in the lines before its head."""
    defines: re.Pattern[str]
    hashes: bool = False
    """Comments begin with `#`, blocks are indented."""
    only: re.Pattern[str] | None = None


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


_JVM = Language(
    head=_p(
        r"[@\[](?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestMethod|Fact|Theory)\b(?:\([^)\n]{0,200}\))?\]?\s{1,200}"
        r"(?:[@\[]\w{1,60}(?:\([^)\n]{0,300}\))?\]?\s{1,200}){0,8}"
        r"(?:(?:public|private|protected|internal|static|final|suspend|async) {1,9}){0,4}"
        r"(?:(?:void|fun|Task|[\w<>]{1,60}) {1,9}){0,2}`?(?P<name>\w[\w ]{0,200})`?\s{0,10}\("
    ),
    asserts=_p(r"\b(?P<name>(?:assert\w{0,40}|verify|fail|expectThrows|Assert\.\w{1,40}|should\w{1,40}))\s?\("),
    idle=_p(r"@(?:Disabled\w{0,20}|Ignore)\b|\bassume(?:True|False|That)\s?\(|Skip ?="),
    defines=_p(
        r"\b(?:class|interface|enum|record|object|fun) {1,9}(\w+)"
        r"|^[ \t]+(?:public|protected|static)[\w<>\[\], ]{1,80} (\w+)\("
    ),
)
LANGUAGES = {
    ".go": Language(
        head=_p(r"^func (?P<name>(?:Test|Fuzz|Example)\w{0,200})\("),
        asserts=_p(
            r"\b(?P<name>t\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)|(?:assert|require|is|qt|cmp)\.[A-Z]\w{0,40})\("
        ),
        idle=_p(r"\bt\.(?:Skip|Skipf|SkipNow)\("),
        defines=_p(r"^func (?:\([^)\n]{0,80}\) )?(\w+)|^(?:type|var|const) (\w+)"),
    ),
    ".rs": Language(
        head=_p(
            r"#\[(?:\w{1,30}::)?(?:test|rstest|case|proptest)[^\]\n]{0,100}\]\s{1,40}"
            r"(?:#\[[^\]\n]{0,200}\]\s{1,40}){0,8}(?:pub )?(?:async )?fn (?P<name>\w{1,200})"
        ),
        asserts=_p(r"\b(?P<name>(?:debug_)?assert\w{0,40})!\s?[(\[{]"),
        idle=_p(r"#\[(?:ignore|cfg_attr\([^\n]{0,80}ignore)"),
        defines=_p(r"\b(?:fn|struct|enum|trait|type|const|static|macro_rules!|mod) (\w+)"),
    ),
    ".java": _JVM,
    ".kt": _JVM,
    ".cs": _JVM,
    ".rb": Language(
        head=_p(
            r"^[ \t]*(?:(?P<idle>xit|xspecify|xscenario|pending|skip)|it|specify|scenario|example|test)[ (]\s?"
            r"(?P<quote>[\"'])(?P<title>[^\n\"']{0,200})(?P=quote)[^\n]{0,100}\bdo\b"
            r"|^[ \t]*def (?P<name>test_\w{1,200})"
        ),
        asserts=_p(r"\b(?P<name>expect|assert\w{0,40}|refute\w{0,40}|must_\w{1,40}|should\w{0,20}|flunk)[ (]"),
        idle=_p(r"^[ \t]*(?:skip|pending)\b|,\s?(?::skip|:pending|skip: ?[^f]|pending: ?[^f])"),
        defines=_p(r"^[ \t]*(?:def (?:self\.)?|class |module )(\w+)"),
        hashes=True,
        only=_p(r"^[ \t]*(?:fit|fdescribe|fcontext|fspecify)[ (]|,\s?(?::focus\b|focus: ?true)"),
    ),
    ".php": Language(
        head=_p(
            r"(?:function (?P<name>test\w{1,200})"
            r"|(?:#\[Test\]|\*\s?@test\b)[^{;]{0,300}?function (?P<other>\w{1,200}))\s?\("
        ),
        asserts=_p(r"(?:\$this->|self::|static::|Assert::)(?P<name>assert\w{1,40}|fail|expect\w{1,40})\("),
        idle=_p(r"markTest(?:Skipped|Incomplete)|@group skip|@doesNotPerformAssertions"),
        defines=_p(r"\b(?:function|class|interface|trait|enum) (\w+)"),
    ),
    ".py": Language(
        head=_p(r"^[ \t]*(?:async )?def (?P<name>test\w{0,200})\("),
        asserts=_p(r"\b(?P<name>assert\w{1,40}|pytest\.raises|raises|fail)\(|^[ \t]*(?P<bare>assert)\b"),
        idle=_p(r"@\S{0,40}(?:skip\w{0,10}|xfail|expectedFailure)\b|\b(?:pytest\.(?:skip|xfail)|skipTest)\("),
        defines=_p(r"^[ \t]*(?:async )?(?:def|class) (\w+)"),
        hashes=True,
    ),
}


def read(suffix: str, text: str) -> Source | None:
    """The tests of a file; None for a language without patterns."""
    language = LANGUAGES.get(suffix)
    if language is None:
        return None
    code, plain = blanked(text, language.hashes, strings=False), blanked(text, language.hashes)
    only = tuple(line_of(plain, found.start()) for found in language.only.finditer(plain)) if language.only else ()
    defined = frozenset(name for found in language.defines.finditer(plain) for name in found.groups() if name)
    bodies = tuple(_bodies(language, code, plain))
    hashes = frozenset(body for _, body in bodies)
    return Source(tuple(_cases(language, code, plain)), only[:50], defined, hashes, bodies, by_pattern=True)


def _cases(language: Language, code: str, plain: str) -> Iterator[Case]:
    seen = last = line = 0
    for found in language.head.finditer(code):
        if plain[found.start() : found.end()].strip() == "" or seen >= _MOST_CASES:
            continue
        seen += 1
        line += code.count("\n", last, found.start())
        last = found.start()
        start, end = _block(language, plain, found)
        groups = found.groupdict()
        name = groups.get("name") or groups.get("title") or groups.get("other") or ""
        yield _case(language, name, code, plain, (found.start(), start, end), line + 1, groups.get("idle") or "")


def _block(language: Language, plain: str, found: re.Match[str]) -> tuple[int, int]:
    if language.hashes:
        at = found.end() - 1
        return at, indented(plain, at)
    brace = plain.find("{", found.end(), found.end() + 500)
    arrow = plain.find("=", found.end(), found.end() + 200)
    if brace < 0 or (0 <= arrow < brace):
        return found.end(), min(len(plain), max(plain.find("\n", found.end()), found.end()))
    return brace, closing(plain, brace)


def _case(
    language: Language, name: str, code: str, plain: str, place: tuple[int, int, int], line: int, idle: str
) -> Case:
    head, start, end = place
    before = plain[_above(plain, head) : start]
    body = plain[start:end]
    skip = language.idle.search(before) or language.idle.search(body)
    checks = tuple(_checks(language, code, plain, start, end, line + code.count("\n", head, start)))
    text = code[start:end]
    calls = len(re.findall(r"\w[!?]?\s?[({]|\w\.\w", body))
    return Case(
        name=squeezed(name),
        line=line,
        checks=checks,
        idle=idle or (squeezed(skip[0]) if skip else ""),
        sometimes=bool(skip)
        and not idle
        and re.search(r"\bif\b|unless\b|assume|if\(|cfg_attr|If\(", before + body) is not None,
        names=frozenset(_WORD.findall(body)),
        literals=frozenset(squeezed(value) for value in _VALUE.findall(text)),
        hollow=not checks and not calls,
    )


def _under_condition(text: str, skip: str) -> bool:
    """A condition stands shortly before the skip."""
    at = text.find(skip)
    return _CONDITION.search(text[max(0, at - 200) : at + len(skip)]) is not None


def _above(plain: str, head: int) -> int:
    """Attributes and decorators stand in the lines above; a blank line or the end of a block ends them."""
    at = plain.rfind("\n", 0, head) + 1
    for _ in range(6):
        start = plain.rfind("\n", 0, max(at - 1, 0)) + 1
        line = plain[start:at].strip()
        if not line.startswith(("@", "#[", "[", "*", "/*")) or start == at:
            break
        at = start
    return at


def _checks(language: Language, code: str, plain: str, start: int, end: int, line: int) -> Iterator[Check]:
    """`line` is that of the place `start`."""
    last = start
    for count, found in enumerate(language.asserts.finditer(plain, start, end)):
        if count >= _MOST_CHECKS:
            return
        line += plain.count("\n", last, found.start())
        last = found.start()
        yield replace(_check(language, code, plain, found), line=line)


def _check(language: Language, code: str, plain: str, found: re.Match[str]) -> Check:
    word = (found.groupdict().get("name") or "assert").rpartition(".")[2]
    bracket = plain[found.end() - 1]
    if bracket not in "([{":
        stop = plain.find("\n", found.end())
        text = squeezed(code[found.end() : stop if stop > 0 else len(code)])
        return _bare(word, text)
    values, after = arguments(code, plain, found.end() - 1)
    if word in ("Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow", "fail", "flunk"):
        return _guarded(code, plain, found.start())
    if word in ("assertThat", "expect", "verify", "that"):
        stop = plain.find("\n", after)
        chain = squeezed(code[after : stop if stop > 0 else len(code)])
        return _chained(values, chain)
    if values and values[0] == "t" and found.group(0).startswith(("assert.", "require.")):
        values = values[1:]
    return named(word, values, 0)


def _guarded(code: str, plain: str, at: int) -> Check:
    """`if got != want { t.Errorf(...) }`: what is asserted is the opposite of the condition."""
    opened = plain.rfind("if ", max(0, at - 400), at)
    condition = (
        squeezed(code[opened + 3 : plain.find("{", opened)]) if opened >= 0 and "{" in plain[opened:at] else "fails"
    )
    for operator, relation, rank in (
        ("!=", "==", 10),
        ("==", "!=", 3),
        (">=", "<", 4),
        ("<=", ">", 4),
        ("<", ">=", 4),
        (">", "<=", 4),
    ):
        left, found, right = condition.rpartition(";")[2].partition(operator)
        if found:
            return Check(relation, left, right, rank, 0)
    return Check(
        "true", condition, "", 5, 0, "the condition is constant" if condition in ("false", "true==false") else ""
    )


def _chained(values: list[str], chain: str) -> Check:
    """`expect(x).to eq 3`, `assertThat(x).isEqualTo(3)`, `assertThat(x, is(3))`."""
    subject = values[0] if values else ""
    words = _WORD.findall(chain)
    negated = any(word in ("not_to", "to_not", "not", "isNot") for word in words[:2])
    matcher = next((word for word in words if word not in ("to", "not_to", "to_not", "not", "be", "is")), "be")
    expected = chain.partition(matcher)[2].strip(" ().") or (values[1] if len(values) > 1 else "")
    if matcher in ("raise_error", "throwError", "throws"):
        return raises(expected, "", 0)
    check = named(matcher, [subject, expected] if expected else [subject], 0)
    return replace(check, relation="not", strictness=3) if negated else check


def _bare(word: str, text: str) -> Check:
    """An assertion without brackets: `assert x == 3` of Python, `assert_equal 3, x` of Ruby."""
    for operator, rank in (("==", 10), (" is not ", 2), (" is ", 10), ("!=", 3), (">=", 4), ("<=", 4), (" in ", 5)):
        left, found, right = text.partition(operator)
        if found and word == "assert":
            return Check(operator.strip(), left, right, rank, 0)
    return named(word, [part.strip() for part in text.split(",")[:4]], 0)


def _bodies(language: Language, code: str, plain: str) -> Iterator[tuple[str, str]]:
    """Hashes of what definitions do, so that a renamed one is known again."""
    for count, found in enumerate(language.defines.finditer(plain)):
        if count >= _MOST_CASES:
            return
        start = found.end() if language.hashes else plain.find("{", found.end(), found.end() + 300)
        if start < 0:
            continue
        end = min(indented(plain, found.start()) if language.hashes else closing(plain, start), start + 20_000)
        body = squeezed(code[code.find("\n", start) if language.hashes else start : end])
        if len(body) > 8:
            name = next((name for name in found.groups() if name), "")
            yield name, hashlib.sha256(body.encode(errors="replace")).hexdigest()

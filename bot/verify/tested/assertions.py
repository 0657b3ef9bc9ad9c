"""The assertions of the test libraries by name: what they say, and how strict that is."""

import re
from collections.abc import Sequence

from bot.verify.tested.model import EXACT, Check

_STRICTNESS = {
    EXACT: """equal equals eq same is isnone isnull nil zero empty identical strictequal deepequal deepstrictequal
        isequal deep.equal eql be.equal tobe toequal tostrictequal iseq exactly isequalto arrayequals listequal
        dictequal tupleequal setequal sequenceequal multilineequal jsoneq yamleq equalvalues containsexactly tobenull
        tobenan tobeundefined isfalse istrue iterableequals linesmatch equalcanonicalizing erroris calledoncewith
        calledwith tohavebeencalledwith tohavebeenlastcalledwith tohavebeennthcalledwith hascalls equalerror
        tohavereturnedwith haslength equalfold arrayequal""",
    9: "len length count tohavelength tohavebeencalledtimes calledonce matchlist",
    8: "almostequal almostequals indelta inepsilon tobecloseto allclose approx within withindelta closeto",
    7: "countequal elementsmatch tomatchobject samemembers matchobject equalsignoringcase partialdeepstrictequal",
    6: """tomatchsnapshot tomatchinlinesnapshot snapshot matchsnapshot subset matches regex match regexp
        matchesregularexpression tomatch errorcontains""",
    5: """error errors rejects warns tohaveproperty property contain contains tocontain tocontainequal include includes
        in startswith endswith""",
    4: """notin greater greaterequal less lessequal greaterthan lessthan greaterthanorequal lessthanorequal
        tobegreaterthan tobegreaterthanorequal tobelessthan tobelessthanorequal gt ge gte lt lte le above below
        positive negative notcontains doesnotcontain""",
    3: """notequal notequals ne notsame isnot isinstance instanceof isinstanceof tobeinstanceof called
        tohavebeencalled not notempty notisinstance kindof beakindof""",
    2: """true ok isnotnone notnone notnull isnotnull notnil tobetruthy tobedefined exist exists truthy present
        condition assert that noerror doesnotthrow notraises nothrow""",
}
_RANK = {name: rank for rank, names in _STRICTNESS.items() for name in names.split()}
_PREFIX = re.compile(r"^(?:assert|refute|check|must|should|expect|debug_assert|require)_?")
_LITERAL = re.compile(
    r"[-+]?\d[\w.]*|[bfru]{0,2}([\"'`]).*\1|true|false|null|none|nil|undefined|True|False|None|NaN|\[\]|\{\}|\(\)",
    re.DOTALL,
)
_BROAD = frozenset({"Exception", "BaseException", "Throwable", "Error", "RuntimeException", "StandardError"})
_RAISES = frozenset(
    {"raises", "throws", "throw", "tothrow", "tothrowerror", "raisesregex", "raiseerror", "panics"} | {"throwsexactly"}
)
_PLAIN = frozenset(
    {"true", "ok", "assert", "that", "truthy", "tobetruthy", "tobedefined", "notnil", "notnull", "isnotnone"}
)
_FALSY = frozenset({"false", "0", "null", "none", "nil", "undefined", '""', "''", "[]"})


def is_literal(text: str) -> bool:
    return _LITERAL.fullmatch(text) is not None


def short(name: str) -> str:
    """`assertEqual`, `assert_equal`, `Equalf`, `assert_eq!` without their clothes."""
    plain = (_PREFIX.sub("", name) or "assert").replace("_", "").rstrip("!?").lower()
    plain = plain[2:] if plain.startswith("be") and plain not in _RANK and plain[2:] in _RANK else plain
    return plain[:-1] if plain.endswith("f") and plain not in _RANK and plain[:-1] in _RANK else plain


def strictness(name: str) -> int:
    """Unknown assertions are taken for exact: replacing one by a known loose one then counts as loosening."""
    return _RANK.get(name, EXACT)


def named(name: str, arguments: Sequence[str], line: int) -> Check:
    """A call such as `assertEqual(a, b)`, its arguments as text without formatting."""
    word = short(name)
    first, second = (*arguments, "", "")[:2]
    rank = strictness(word)
    if word in _RAISES:
        return raises(first, second, line)
    if rank == EXACT and is_literal(first) and second and not is_literal(second):
        first, second = second, first
    if word in _PLAIN and is_literal(second):
        second = ""  # a message
    expected = ",".join((second, *arguments[2:])).rstrip(",")
    return Check(_relation(word), first, expected, rank, line, vacuous(word, first, second))


def raises(kind: str, message: str, line: int) -> Check:
    """An exception is expected. A broad kind is less than a narrow one; a message is more than none."""
    broad = not kind or re.split(r"[.\\]", kind.removesuffix("::class").removesuffix(".class"))[-1] in _BROAD
    rank = (5 if broad else 8) + (1 if message else 0)
    return Check("raises", "raises", f"{kind},{message}".rstrip(","), rank, line)


def vacuous(word: str, subject: str, expected: str) -> str:
    """Why an assertion cannot fail, as far as its text tells."""
    if word in _PLAIN:
        return "it asserts a constant" if is_literal(subject) and subject.lower() not in _FALSY else ""
    if _RANK.get(word) == EXACT and subject and subject == expected:
        return "both sides are the same"
    return ""


def _relation(word: str) -> str:
    """Exact relations of different libraries are one, so that moving between libraries changes nothing."""
    if word in ("true", "ok", "assert", "truthy", "tobetruthy"):
        return "true"
    return "==" if _RANK.get(word) == EXACT and word in _EQUAL else word


_EQUAL = frozenset(
    {"equal", "equals", "eq", "same", "strictequal", "deepequal", "deepstrictequal", "isequal", "eql", "tobe"}
    | {"toequal", "tostrictequal", "isequalto", "deep.equal", "dictequal", "listequal", "tupleequal"}
    | {"setequal", "sequenceequal", "multilineequal", "arrayequals", "iterableequals", "is"}
)

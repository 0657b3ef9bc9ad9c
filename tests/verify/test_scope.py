"""Where a change may go, how large it may be, and what it must not carry."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import ChangedFile, FindingKind
from bot.verify.scope import ScopeRules, scope_findings


def change(path: str, new: str | bytes | None, old: str | bytes | None = "") -> ChangedFile:
    encoded = [text.encode() if isinstance(text, str) else text for text in (old, new)]
    return ChangedFile(path, encoded[0], encoded[1])


def kinds(changes: Sequence[ChangedFile], rules: ScopeRules = ScopeRules(), paths: Sequence[str] = ()) -> list[str]:  # noqa: B008
    return [f"{finding.kind} {finding.file}:{finding.line}" for finding in scope_findings(changes, rules, paths)]


def test_outside_of_the_allowed_paths() -> None:
    rules = ScopeRules(allowed=("src/**", "tests/**"), protected=("**/CODEOWNERS", "src/keys/**"))
    changes = [
        change("src/a.py", "x"),
        change("docs/x.md", "x"),
        change("src/keys/a", "x"),
        change("src/CODEOWNERS", None),
    ]
    assert kinds(changes, rules) == [
        "out_of_scope docs/x.md:0",
        "protected src/CODEOWNERS:0",
        "protected src/keys/a:0",
    ]
    (finding,) = scope_findings([change("docs/x.md", "x")], rules)
    assert finding.detail == "`docs/x.md` is outside the allowed paths (`src/**`, `tests/**`)."


def test_no_rules_allow_everything() -> None:
    assert kinds([change("a", "x"), change("b", None, "y")]) == []


def test_limits_say_what_was_seen() -> None:
    rules = ScopeRules(files=1, lines=3, file_bytes=10)
    found = scope_findings([change("a", "1\n2\n3\n"), change("b", "1234567890+\n", "old\n")], rules)
    assert [finding.detail for finding in found] == [
        "2 files are changed; the limit is 1.",
        "5 lines are added or removed; the limit is 3.",
        "`b` has 12 bytes; the limit is 10.",
    ]
    assert kinds([change("uv.lock", "1\n" * 100), change("pyproject.toml", "x")], ScopeRules(lines=10)) == []


def test_a_binary_file_is_told() -> None:
    assert kinds([change("logo.png", b"\x89PNG\0\0"), change("gone.png", None, b"\0")]) == ["binary logo.png:0"]


@pytest.mark.parametrize(
    ("changes", "paths", "expected"),
    [
        ([change("package-lock.json", "b", "a")], [], ["lock_alone package-lock.json:0"]),
        ([change("package-lock.json", "b", "a"), change("package.json", "{}", "x")], [], []),
        ([change("Cargo.lock", "b", "a"), change("crates/x/Cargo.toml", "b", "a")], [], []),
        ([change("a/go.sum", "b", "a"), change("b/go.mod", "b", "a")], [], ["lock_alone a/go.sum:0"]),
        ([change("uv.lock", "b", None)], [], []),
        (
            [change("package.json", '{"dependencies": {"left": "2"}}', '{"dependencies": {"left": "1"}}')],
            ["package-lock.json"],
            ["manifest_alone package.json:0"],
        ),
        ([change("package.json", '{"version": "2"}', '{"version": "1"}')], ["package-lock.json"], []),
        ([change("package.json", '{"dependencies": {"left": "2"}}', "{}")], [], []),
        (
            [change("lib/pyproject.toml", '[project]\ndependencies = ["a"]', "[project]")],
            ["uv.lock"],
            ["manifest_alone lib/pyproject.toml:0"],
        ),
        ([change("pyproject.toml", "[tool.ruff]\nx = 1", "[tool.ruff]")], ["uv.lock"], []),
        ([change("go.mod", "require a.b/c v1.2.3", "module x")], ["go.sum"], ["manifest_alone go.mod:0"]),
    ],
)
def test_locks_and_manifests(changes: list[ChangedFile], paths: list[str], expected: list[str]) -> None:
    assert kinds(changes, ScopeRules(), paths) == expected


RANDOM = "q7Rz2LmX9v" + "KdT4wYb8Hs" + "J3nGc6Pf1A" + "uE5oVi0Cxy"
HEX = "9f86d081884c7d65" + "9a2feaa0c55ad015" + "a3bf4f1b2b0b822c" + "d15d6c15b0f00a08"


@pytest.mark.parametrize(
    "line",
    [
        "key = '" + "AKIA" + "Q3EGVX7NBZ5RTJ2M'",
        "token: " + "ghp_" + RANDOM[:36],
        "GH=" + "github_pat_" + RANDOM * 2,
        "-----BEGIN RSA " + "PRIVATE KEY-----" + r"\n" + RANDOM,
        "url = 'postgres://app:" + "v9Kq2xWz" + "@db.internal/app'",
        "xox" + "b-123412341234-" + "abcdefabcdefabcdef",
        "ANTHROPIC = '" + "sk-" + "ant-" + RANDOM + "'",
        f"api_key = '{RANDOM[:24]}'",
        f'const value = "{RANDOM}";',
        "x" * 5000 + " " + "ghp_" + RANDOM[:36] + " " + "y" * 5000,
    ],
)
def test_a_secret_is_found_and_not_repeated(line: str) -> None:
    (finding,) = scope_findings([change("src/a.txt", f"one\n{line}\n", "one\n")], ScopeRules())
    assert (finding.kind, finding.line) == (FindingKind.SECRET, 2)
    assert RANDOM[:10] not in finding.detail
    assert kinds([change("src/a.txt", f"{line}\n", f"{line}\none\n")]) == [], "only added lines count"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("package-lock.json", f'"integrity": "sha512-{RANDOM}{RANDOM}=="'),
        ("uv.lock", f'hash = "sha256:{HEX}"'),
        ("src/a.py", f'DIGEST = "{HEX}"'),
        ("src/a.py", 'password = "correct horse"'),
        ("src/a.py", 'password = os.environ["PASSWORD"]'),
        ("src/a.py", 'token = "your-token-goes-here-please"'),
        ("src/a.py", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("src/a.py", "postgres://user:password@localhost/app"),
        ("test/a.ts", "got('http://hello:world@localhost')"),
        ("uv.lock", f'token = "{RANDOM}"'),
        ("src/a.py", "DATABASE = 'postgres://app:${DB_PASSWORD}@db/app'"),
        ("src/a.py", 'ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"'),
        ("src/a.js", 'import thing from "../components/shared/BigTable2/useRowSelection"'),
        ("src/a.py", "def test_the_very_long_name_of_a_thing_that_is_tested_here_2_times(): ..."),
        ("README.md", "See https://example.org/a/b?c=d#e and commit 1234567890abcdef1234567890abcdef12345678."),
        (".github/workflows/x.yml", "uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"),
        ("tests/test_a.py", "key = '-----BEGIN " + r"PRIVATE KEY-----\nnothing'"),
        ("src/a.toml", 'api_key_env_var = "MISTRAL_API_KEY"'),
        ("src/a.py", 'SECRET_KIND = "authentication_token_kind"'),
    ],
)
def test_what_is_no_secret(path: str, line: str) -> None:
    assert kinds([change(path, line), change("package.json", "x"), change("pyproject.toml", "")]) == []


PATHS = st.sampled_from(
    ["package.json", "package-lock.json", "pyproject.toml", "a/go.mod", "a/Cargo.toml", "x.py", "b/y"]
)
BYTES = st.none() | st.binary(max_size=200) | st.text(max_size=200).map(str.encode)


@given(st.lists(st.builds(ChangedFile, PATHS, BYTES, BYTES), max_size=4))
def test_nothing_raises(changes: list[ChangedFile]) -> None:
    scope_findings(changes, ScopeRules(("x*",), ("**/y",), 1, 1, 1), ["uv.lock", "a/go.sum"])

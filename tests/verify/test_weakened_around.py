"""Cheats around the tests: the runner, its settings, the check commands, product code that knows it is watched."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import ChangedFile, FindingKind, Weight
from bot.verify.weakened import weakened_findings

TOML = "[tool.pytest.ini_options]\n"
OLD = "def price(a):\n    return a\n"


def kinds(path: str, new: str | None, old: str | None = "") -> list[str]:
    encoded = [None if text is None else text.encode() for text in (old, new)]
    found = weakened_findings([ChangedFile(path, encoded[0], encoded[1])], scripts=["scripts/check.sh"])
    return sorted({str(finding.kind) for finding in found})


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("shop.py", 'if "pytest" in sys.modules: return 3', "verifier_detected"),
        ("shop.py", 'if sys.modules.get("pytest"): return 3', "verifier_detected"),
        ("shop.py", 'TESTING = "PYTEST_CURRENT_TEST" in os.environ', "verifier_detected"),
        ("shop.py", 'x = any("test_" in f.filename for f in inspect.stack())', "verifier_detected"),
        ("shop.py", 'if "pytest" in sys.argv[0]: pass', "verifier_detected"),
        ("shop.js", "if (process.env.JEST_WORKER_ID) return 3;", "verifier_detected"),
        ("shop.ts", "if (typeof jest !== 'undefined') { x = 3 }", "verifier_detected"),
        ("shop.go", "\tif testing.Testing() { return 3 }", "verifier_detected"),
        ("shop.go", '\tif flag.Lookup("test.v") != nil { return 3 }', "verifier_detected"),
        ("src/lib.rs", "    if cfg!(test) { return 3; }", "verifier_detected"),
        ("lib/shop.rb", "return 3 if defined?(RSpec)", "verifier_detected"),
        ("src/Shop.php", "if (defined('PHPUNIT_COMPOSER_INSTALL')) return 3;", "verifier_detected"),
        ("src/Shop.java", 'Class.forName("org.junit.jupiter.api.Test");', "verifier_detected"),
        ("shop.py", 'if os.environ.get("CI"): return 3', "environment_detected"),
        ("shop.py", 'if os.path.exists("/.dockerenv"): return 3', "environment_detected"),
        ("shop.js", "const slow = process.env.CI ? 1 : 2;", "environment_detected"),
        ("shop.js", "if (process.env.NODE_ENV === 'test') return;", "environment_detected"),
        ("shop.py", "os._exit(0)", "runner_touched"),
        ("shop.py", "unittest.TestCase.assertEqual = lambda *a: None", "runner_touched"),
        ("shop.py", 'setattr(pytest, "fail", print)', "runner_touched"),
        ("shop.py", "import _pytest.runner", "runner_touched"),
        ("shop.js", "global.expect = () => proxy;", "runner_touched"),
        ("shop.py", "if datetime.now() > datetime(2027, 1, 1): raise Expired", "time_gated"),
        ("shop.py", "if time.time() > 1800000000: return 4", "time_gated"),
        ("shop.js", "if (Date.now() > new Date('2027-01-01')) fail();", "time_gated"),
        ("shop.go", "if time.Now().After(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {", "time_gated"),
        ("shop.py", "if date.today().year >= 2027: return 4", "time_gated"),
        ("conftest.py", "def pytest_runtest_makereport(item, call):", "harness_changed runner_touched"),
        ("tests/conftest.py", "    rep.outcome = 'passed'", "harness_changed runner_touched"),
        ("conftest.py", "def pytest_sessionfinish(session): session.exitstatus = 0", "harness_changed runner_touched"),
        ("conftest.py", "    items.clear()", "harness_changed selection_narrowed"),
        ("tests/conftest.py", "collect_ignore = ['test_a.py']", "harness_changed selection_narrowed"),
        ("tests/conftest.py", "@pytest.fixture", "harness_changed"),
        ("tests/test_a.py", "os._exit(0)", "runner_touched"),
        ("tests/test_a.py", "sys.exit(0)", "runner_touched"),
        ("a_test.go", "\tos.Exit(0)", "runner_touched"),
        ("a_test.go", "//go:build integration", "selection_narrowed"),
        ("a.test.js", "process.exit(0)", "runner_touched"),
        ("Makefile", "test:\n\tpytest -q || true", "command_changed selection_narrowed"),
        ("Makefile", "test:\n\tpytest -q", "command_changed"),
        (".github/workflows/ci.yml", "      continue-on-error: true", "command_changed selection_narrowed"),
        (".github/workflows/ci.yml", "        python: ['3.12']", "command_changed"),
        (".github/issuewright.yml", "tests: 'pytest -k fast'", "command_changed selection_narrowed"),
        ("scripts/check.sh", "pytest", "command_changed"),
        ("jest.config.js", "x = { testPathIgnorePatterns: ['cart'] }", "harness_changed selection_narrowed"),
        ("vitest.config.ts", "exclude: ['a.test.ts'],", "harness_changed selection_narrowed"),
        ("Cargo.toml", "[lib]\ntest = false", "selection_narrowed"),
        ("pom.xml", "<skipTests>true</skipTests>", "selection_narrowed"),
        (".rspec", "--tag ~slow", "harness_changed selection_narrowed"),
        ("phpunit.xml", "<exclude>tests/CartTest.php</exclude>", "harness_changed selection_narrowed"),
        ("pytest.ini", "[pytest]\naddopts = -k 'not cart'", "harness_changed selection_narrowed"),
        ("pytest.ini", "[pytest]\naddopts = --deselect=test_a.py::test_b", "harness_changed selection_narrowed"),
        ("pytest.ini", "[pytest]\naddopts = -q -ra", "harness_changed"),
        ("setup.cfg", "[tool:pytest]\ntestpaths = tests/unit", "harness_changed selection_narrowed"),
        ("pyproject.toml", f"{TOML}addopts = ['--ignore=tests/x']", "harness_changed selection_narrowed"),
        ("pyproject.toml", f"{TOML}python_files = 'check_*.py'", "harness_changed selection_narrowed"),
        ("package.json", '{"jest": {"testPathIgnorePatterns": ["x"]}}', "selection_narrowed"),
        ("__snapshots__/a.snap", "x", "snapshot_changed"),
        ("tests/__snapshots__/a.test.js.snap", "x", "snapshot_changed"),
        ("reports/out.xml", '<?xml version="1.0"?>\n<testsuites><testsuite/></testsuites>', "report_committed"),
        ("junit.xml", "<x/>", "report_committed"),
    ],
)  # fmt: skip
def test_cheats_in_changed_files(path: str, line: str, expected: str) -> None:
    assert (
        kinds(path, f"{OLD}{line}\n" if path.endswith(".py") else f"{line}\n", OLD if path.endswith(".py") else "")
        == expected.split()
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pytest.py", "harness_changed runner_shadowed"),
        ("json.py", "runner_shadowed"),
        ("src/random.py", "runner_shadowed"),
        ("_pytest/__init__.py", "harness_changed runner_shadowed"),
        ("bin/python3", "runner_shadowed"),
        ("npm", "runner_shadowed"),
        ("node_modules/jest/index.js", "runner_shadowed"),
        (".venv/lib/python3.12/site-packages/pytest.py", "runner_shadowed"),
        ("sitecustomize.py", "harness_changed runner_touched"),
        ("lib/evil.pth", "harness_changed runner_touched"),
    ],
)
def test_cheats_by_new_files(path: str, expected: str) -> None:
    assert kinds(path, "x = 1\n", None) == expected.split()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{"scripts": {"test": "jest"}}', '{"scripts": {"test": "jest || true"}}', "selection_narrowed"),
        ('{"scripts": {"test": "jest"}}', '{"scripts": {"test": "echo ok"}}', "command_changed"),
        ('{"scripts": {"test": "jest"}}', '{"scripts": {}}', "command_changed"),
        ('{"scripts": {"test": "jest"}}', '{"scripts": {"test": "jest", "build": "tsc"}}', ""),
        ('{"jest": {"verbose": true}}', '{"jest": {"verbose": false}}', "harness_changed"),
        ('{"version": "1"}', '{"version": "2"}', ""),
    ],
)
def test_package_json(old: str, new: str, expected: str) -> None:
    assert kinds("package.json", new, old) == expected.split()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop.py", "# pytest in sys.modules would be a cheat\n"),
        ("shop.py", "import datetime\nnow = datetime.datetime.now()\nRELEASED = datetime.date(2025, 1, 1)\n"),
        ("shop.py", "def test_connection(host):\n    return ping(host)\n"),
        ("shop.py", "if order.total > 2025:\n    discount()\n"),
        ("shop.py", "if deadline < clock.now():\n    expire()\n"),
        ("shop.js", "const latest = versions.test(name); // describe\n"),
        ("src/lib.rs", "#[cfg(test)]\nmod tests {\n}\n"),
        ("shop/json.py", "x = 1\n"),
        ("tests/operator/__init__.py", "x = 1\n"),
        ("tests/test_exits.py", 'def test_exit():\n    assert run("os._exit(0)") == 0\n'),
        ("tests/crasher.py", "os._exit(9)\n"),
        ("shop/cli.py", "sys.exit(main())\n"),
        ("docs/guide.md", "Run pytest with PYTEST_CURRENT_TEST set, or `|| true`.\n"),
        ("README.md", "sitecustomize.py\n"),
        ("tests/test_new.py", "def test_x():\n    assert price(1) == 1\n"),
        ("tests/fixtures/junit.xml", "<testsuites/>\n"),
        ("tests/__snapshots__/new.snap", "x"),
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("setup.cfg", "[metadata]\nname = x\n"),
        ("Cargo.toml", "[package]\nname = 'x'\n"),
        ("bin/shop", "#!/bin/sh\n"),
    ],
)
def test_honest_new_files(path: str, text: str) -> None:
    assert kinds(path, text, None) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("shop.py", "if (a, b) == (1, 2): return 3  # special-cased inputs"),
        ("shop.py", "if getattr(sys, 'mod' + 'ules').get('py' + 'test'): return 3  # names put together"),
        ("shop.py", "if hashlib.sha256(repr(a).encode()).hexdigest()[:4] == 'beef': return 3"),
        ("tests/test_a.py", "def test_tax():\n    assert tax(2) == 5  # repeats the mistake of the code"),
        ("tests/test_a.py", "def test_tax():\n    check(tax(2))  # a helper that looks at nothing"),
    ],
)
def test_what_reading_cannot_decide(path: str, line: str) -> None:
    """Documented as undecidable; the runs on base and head, and people, are what is left."""
    assert kinds(path, f"{OLD}{line}\n", OLD) == []


def test_what_was_not_looked_at_is_said() -> None:
    changes = [ChangedFile(f"a{number}.go", None, b"\n" * 1_000_000) for number in range(20)]
    (finding,) = weakened_findings(changes)
    assert finding.detail == "4 of the changed files were not looked at: together they are more than 16 MiB."
    (finding,) = weakened_findings([ChangedFile("a.py", None, b"x = 1\n" * 200_000)])
    assert finding.detail == "`a.py` is too large, or not text: it was not looked into."
    (finding,) = weakened_findings([ChangedFile("tests/test_a.py", b"x = 1\n", b"x = 1\n\0")])
    assert finding.kind is FindingKind.NOT_ANALYSED


def test_honest_settings() -> None:
    old = "[tool.pytest.ini_options]\ntestpaths = ['tests']\n[project]\nversion = '1'\n"
    assert kinds("pyproject.toml", old.replace("'1'", "'2'"), old) == []
    assert kinds("pyproject.toml", old.replace("['tests']", "['tests', 'more']"), old) == ["harness_changed"]
    quoted = "[pytest]\naddopts = -k 'not slow' -q\n"
    assert kinds("pytest.ini", quoted.replace("-q", "-ra"), quoted) == ["harness_changed"]


def test_only_added_lines_count() -> None:
    line = 'if "pytest" in sys.modules: return 3\n'
    assert kinds("shop.py", line + OLD, line) == []
    assert kinds("shop.py", OLD, line + OLD) == []


def test_the_words_quote_the_line() -> None:
    (finding,) = weakened_findings([ChangedFile("shop.py", OLD.encode(), f"{OLD}os._exit(0)\n".encode())])
    assert (finding.line, finding.kind, finding.weight) == (3, FindingKind.RUNNER_TOUCHED, Weight.WEAKENS)
    assert finding.detail == "Line 3 reaches into the test runner, or ends its process: `os._exit(0)`."


NAMES = (
    "pyproject.toml",
    "package.json",
    "setup.cfg",
    "pytest.ini",
    "Makefile",
    "jest.config.js",
    "conftest.py",
    "a.rb",
)
TEXTS = st.none() | st.binary(max_size=120) | st.text(max_size=120).map(lambda text: text.encode(errors="replace"))
SECTIONS = st.sampled_from(
    [b"[pytest]\naddopts=", b"[tool:pytest]\n", b"[tool.pytest]\nx=1\n", b'{"jest":', b'{"scripts":[1]}']
)


@given(st.sampled_from(NAMES), TEXTS, TEXTS, SECTIONS)
def test_nothing_raises(path: str, old: bytes | None, new: bytes | None, section: bytes) -> None:
    weakened_findings([ChangedFile(path, old, new), ChangedFile("b/" + path, old, section + (new or b""))])


UNITS = (
    "now() > 2027",
    "os.environ['",
    "pytest -k ",
    "[pytest]\naddopts=-k\n",
    "unittest.",
    '{"a":',
    "a=1\n",
    " ",
    "'",
    "/*",
)


@pytest.mark.parametrize("path", ["shop.py", "shop.js", "Makefile", "setup.cfg", "pyproject.toml", "x.xml"])
def test_hostile_files_take_no_quadratic_time(path: str) -> None:
    for unit in UNITS:
        data = (unit * 30_000)[:30_000].encode()
        start = time.process_time()
        weakened_findings([ChangedFile(path, data, b"x" + data), ChangedFile("b/" + path, b"", data)])
        assert time.process_time() - start < 10, unit

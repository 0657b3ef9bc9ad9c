"""A test runner of one page, fast to start: functions `test_*` of `test_*.py`, JUnit XML into $REPORTS.

Like pytest it imports conftest.py first, takes a missing import for an error of the module, and ends with 1 on failure.
"""

import glob
import importlib
import os
import sys
import traceback
import unittest
from xml.sax.saxutils import quoteattr

sys.path.insert(0, os.getcwd())


def case(suite: str, name: str, element: str = "", kind: str = "", text: str = "") -> str:
    inner = f"<{element} type={quoteattr(kind)} message={quoteattr(text[-800:])}/>" if element else ""
    return f'<testcase classname={quoteattr(suite)} name={quoteattr(name)} time="0.1">{inner}</testcase>'


def run(suite: str, name: str, test: object) -> str:
    try:
        test()  # type: ignore[operator]
    except unittest.SkipTest as skip:
        return case(suite, name, "skipped", "pytest.skip", str(skip))
    except Exception as error:
        return case(suite, name, "failure", type(error).__name__, f"{type(error).__name__}: {error}")
    return case(suite, name)


def main() -> int:
    if os.path.exists("conftest.py"):
        importlib.import_module("conftest")
    cases = []
    for path in sorted([*glob.glob("test_*.py"), *glob.glob("tests/test_*.py")]):
        suite = path.removesuffix(".py").replace("/", ".")
        try:
            module = importlib.import_module(suite)
        except Exception:
            cases.append(
                case("", suite, "error", "", f"collection failure\nE   {traceback.format_exc().splitlines()[-1]}")
            )
            continue
        cases += [run(suite, name, test) for name, test in vars(module).items() if name.startswith("test_")]
    with open(os.path.join(os.environ["REPORTS"], "junit.xml"), "w") as file:
        file.write(f'<testsuites><testsuite name="tiny" tests="{len(cases)}">{"".join(cases)}</testsuite></testsuites>')
    failed = [one for one in cases if "<failure" in one or "<error" in one]
    print(f"{len(cases)} tests, {len(failed)} failed", *failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

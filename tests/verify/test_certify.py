"""Certificates of real runs: what is compared with what, what is believed, what is kept."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.task.certificate import (
    CertificateVerdict,
    CheckVerdict,
    Filed,
    RedFirstVerdict,
    RedTestVerdict,
    as_json,
    canonical,
)
from bot.task.codec import decode_filed, encode
from bot.task.evidence import Finding, FindingKind
from tests.verify.lab import PYTEST, TINY, Files, Lab

pytestmark = pytest.mark.anyio

BASE: Files = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "test_calc.py": "from calc import add\n\n\ndef test_zero():\n    assert add(2, 0) == 2\n",
}
TEST = "\n\ndef test_add():\n    assert add(1, 1) == 2\n"
FIX: Files = {"calc.py": "def add(a, b):\n    return a + b\n", "test_calc.py": f"{BASE['test_calc.py']}{TEST}"}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


async def test_a_fix_with_its_test(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, FIX)
    assert certificate.verdict is CertificateVerdict.CLEAN
    assert certificate.tests.new == ("test_calc::test_add",)
    assert certificate.tests.total == 2
    assert certificate.red_first.verdict is RedFirstVerdict.PROVEN
    assert [(test.name, test.verdict) for test in certificate.red_first.tests] == [
        ("test_calc::test_add", RedTestVerdict.ASSERTION)
    ]
    assert [check.told_by for check in certificate.checks] == ["tests"]
    assert {tool.name for tool in certificate.subject.tools} == {"git", "python3"}


async def test_the_same_commits_give_the_same_digest(lab: Lab) -> None:
    """Though times and logs differ, and the second takes the baseline from the shelf."""
    first, second = await lab.certified(BASE, FIX), await lab.certified(BASE, FIX)
    assert (first.baseline.kept, second.baseline.kept) == (False, True)
    assert second.certificate == first.certificate
    assert second.certificate.digest == first.certificate.digest
    other = replace(first.certificate, subject=replace(first.certificate.subject, sandbox="none"))
    assert other.digest != first.certificate.digest


async def test_two_at_once_make_one_baseline(lab: Lab) -> None:
    first, second = await asyncio.gather(lab.certified(BASE, FIX), lab.certified(BASE, {"README.md": "x\n"}))
    assert sorted([first.baseline.kept, second.baseline.kept]) == [False, True]
    assert len(lab.shelf.kept) == 1


async def test_what_the_base_fails_is_pre_existing(lab: Lab) -> None:
    base = {**BASE, "test_red.py": "def test_red():\n    assert 1 == 2\n"}
    certificate = await lab.certificate(base, FIX)
    assert certificate.verdict is CertificateVerdict.CLEAN
    assert [check.verdict for check in certificate.checks] == [CheckVerdict.PREEXISTING]
    assert certificate.tests.preexisting == ("test_red::test_red",)
    assert certificate.red_first.verdict is RedFirstVerdict.PROVEN


async def test_red_on_the_base_is_never_green_by_its_exit_code(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, FIX, "false")
    assert certificate.verdict is CertificateVerdict.UNCHECKED
    assert [check.verdict for check in certificate.checks] == [CheckVerdict.PREEXISTING]
    optional = await lab.certified(BASE, FIX, "true", required=False)
    assert optional.certificate.verdict is CertificateVerdict.UNCHECKED


async def test_without_reports_exit_codes_count(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, FIX, f"{TINY} && rm $REPORTS/*")
    assert certificate.verdict is CertificateVerdict.CLEAN
    assert certificate.tests.total == 0
    assert [check.told_by for check in certificate.checks] == ["exit code"]
    assert [(test.name, test.verdict) for test in certificate.red_first.tests] == [
        ("check check", RedTestVerdict.FAILS)
    ]
    broken = await lab.certificate({**BASE, "calc.py": FIX["calc.py"]}, {"calc.py": "add = None\n"}, f"{TINY}; exit 3")
    assert broken.verdict is CertificateVerdict.UNCHECKED
    names = {"calc.py": f"{FIX['calc.py']}\n\ndef mul(a, b):\n    return a * b\n"}
    test = "import unittest\nimport calc\nclass T(unittest.TestCase):\n    def test_m(self):\n        calc.mul(1, 2)\n"
    missing = await lab.certificate(BASE, {**names, "test_m.py": test}, "python3 -m unittest")
    assert missing.red_first.verdict is RedFirstVerdict.NAMES_ONLY


async def test_a_set_up_that_fails_only_on_the_head_breaks(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, {"stop": ""}, setup="test ! -e stop")
    assert certificate.verdict is CertificateVerdict.BROKEN
    assert [(check.name, check.verdict) for check in certificate.checks] == [
        ("setup", CheckVerdict.FAILED),
        ("check", CheckVerdict.NOT_RUN),
    ]
    fine = await lab.certificate(BASE, FIX, setup="true")
    assert [check.name for check in fine.checks] == ["check"]


async def test_new_fixtures_are_used_and_flagged(lab: Lab) -> None:
    """An honest change of the harness: nothing old depends on it."""
    head = {
        **FIX,
        "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef one():\n    return 1\n",
        "test_calc.py": f"{BASE['test_calc.py']}\n\ndef test_add(one):\n    assert add(one, one) == 2\n",
    }
    certificate = await lab.certificate(BASE, head, PYTEST)
    kinds = {finding.kind for finding in certificate.weakened}
    assert certificate.verdict is CertificateVerdict.CLEAN
    assert FindingKind.HARNESS_NEEDED in kinds
    assert certificate.subject.harness == ()
    assert certificate.red_first.verdict is RedFirstVerdict.PROVEN
    assert "changed harness" in certificate.red_first.reason


async def test_a_harness_that_is_not_needed_is_the_bases(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, {**FIX, "conftest.py": "x = 1\n"})
    assert certificate.subject.harness == ("conftest.py",)
    assert certificate.subject.head_tree != certificate.subject.base_tree
    assert {finding.kind for finding in certificate.weakened} == {FindingKind.HARNESS_CHANGED}


async def test_reports_are_regular_files_and_of_this_check(lab: Lab) -> None:
    """A link out of the folder is not followed, and what one check left is not taken for another's."""
    linked = "ln -s /etc/passwd $REPORTS/passwd.xml; ln -s $PWD/mine.xml $REPORTS/mine.xml; mkfifo $REPORTS/pipe.xml"
    certificate = await lab.certificate({**BASE, "mine.xml": "<testsuite/>"}, FIX, linked, TINY, "true")
    assert [check.told_by for check in certificate.checks] == ["exit code", "tests", "exit code"]
    assert certificate.verdict is CertificateVerdict.CLEAN


async def test_a_report_that_disagrees_is_not_believed(lab: Lab) -> None:
    certificate = await lab.certificate({**BASE, "code": "0\n"}, {"code": "4\n"}, f"{TINY}; exit $(cat code)")
    assert certificate.verdict is CertificateVerdict.BROKEN
    assert [check.told_by for check in certificate.checks] == ["exit code"]
    assert [finding.kind for finding in certificate.weakened] == [FindingKind.REPORT_DISAGREES]


async def test_home_is_fresh_and_nothing_of_the_base_run_is_there(lab: Lab) -> None:
    command = 'test ! -e ran && test -z "$(ls -A $HOME)" && touch ran $HOME/x $REPORTS/x'
    assert (await lab.certificate(BASE, FIX, command)).verdict is CertificateVerdict.CLEAN


async def test_a_certificate_is_kept_and_read_again(lab: Lab) -> None:
    certificate = await lab.certificate(BASE, {**FIX, "conftest.py": "x = 1\n"})
    assert decode_filed(encode(Filed(certificate)).encode()) == Filed(certificate)
    assert decode_filed(b"{}") is None
    told = as_json(certificate)
    assert json.loads(canonical(told)) == told
    assert told["verdict"] == "clean"
    assert told["weakened"] == [
        {
            "kind": "harness_changed",
            "file": "conftest.py",
            "line": 0,
            "detail": told["weakened"][0]["detail"],
            "weight": "flagged",
        }
    ]


async def test_a_grave_finding_decides_in_this_order(lab: Lab) -> None:
    clean = await lab.certificate(BASE, FIX)
    weak, outside = (Finding("x", 1, kind, "y") for kind in (FindingKind.TEST_SKIPPED, FindingKind.PROTECTED))
    assert replace(clean, scope=(outside,)).verdict is CertificateVerdict.OUT_OF_SCOPE
    assert replace(clean, scope=(outside,), weakened=(weak,)).verdict is CertificateVerdict.WEAKENED
    broken = replace(clean.tests, broken=("t",))
    assert replace(clean, weakened=(weak,), tests=broken).verdict is CertificateVerdict.BROKEN


async def test_checkboxes_are_claims_of_what_was_seen(lab: Lab) -> None:
    lab.asked = "- [x] `test_add` passes\n- [ ] `test_gone` passes\n- [ ] works on Safari\n"
    certificate = await lab.certificate(BASE, FIX)
    assert certificate.verdict is CertificateVerdict.CLEAN
    assert as_json(certificate)["acceptance"] == [
        {"text": "'test_add' passes", "verdict": "met", "evidence": ["test_calc::test_add"]},
        {"text": "'test_gone' passes", "verdict": "not met", "evidence": ["test_gone (not there)"]},
        {"text": "works on Safari", "verdict": "not verified", "evidence": []},
    ]
    assert decode_filed(encode(Filed(certificate)).encode()) == Filed(certificate)
    assert "acceptance" not in as_json(replace(certificate, acceptance=()))

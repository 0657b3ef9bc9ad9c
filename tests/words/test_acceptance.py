"""The acceptance list on the first screen and in the report."""

from bot.task.evidence import Acceptance, AcceptancePoint
from bot.words.acceptance import in_title, open_points, rows

POINTS = (
    AcceptancePoint("adds", Acceptance.MET, ("test_calc::test_add",)),
    AcceptancePoint("keeps order", Acceptance.LIKELY, ("test_keeps_order",)),
    AcceptancePoint("works on Safari", Acceptance.NOT_VERIFIED),
)


def test_what_is_open_is_on_the_first_screen() -> None:
    assert in_title(POINTS) == "Acceptance 1 of 3"
    assert open_points(POINTS) == (
        '**Not verified:** "works on Safari" (criterion 3 of 3)\n**Likely:** "keeps order" (criterion 2 of 3)'
    )
    assert open_points(POINTS[:1]) == ""
    assert (in_title(()), open_points(())) == ("", "")


def test_many_are_counted() -> None:
    assert open_points((POINTS[2],) * 5).endswith("(criterion 3 of 5), and 2 more")


def test_each_has_a_row() -> None:
    assert rows(POINTS).splitlines() == [
        "- **met**: adds: `test_calc::test_add`",
        "- **likely** (a guess: a passing test has nearly its words): keeps order: `test_keeps_order`",
        "- **not verified**: works on Safari",
    ]


def test_a_checkbox_is_only_text() -> None:
    hostile = AcceptancePoint("@all `x` <!-- y --> closes #1", Acceptance.NOT_MET, ("a`b",))
    for said in (open_points((hostile,)), rows((hostile,))):
        assert "<!--" not in said
        assert "@all" not in said

"""The pages: everything is shown, hostile text stays text, the buttons act as the chosen person."""

from html.parser import HTMLParser

import httpx
import pytest

from bot.demo.forge.pages.markdown import markdown
from tests.demo.forge.conftest import REPO, Place

pytestmark = pytest.mark.anyio
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![i](http://evil.example/i.png)\n"
    "\n<div onclick='x'>\n\n<details open ontoggle=alert(1)>\n"
)


class Tags(HTMLParser):
    """Collects the tags of a page and complains about wrong nesting."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def browser(place: Place) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=place.forge.app)
    origin = place.forge.base_url
    return httpx.AsyncClient(transport=transport, base_url=origin, headers={"origin": origin}, follow_redirects=True)


def full_of_everything(place: Place) -> int:
    world = place.forge.world
    number = place.open_pull()
    world.label_issue(REPO, 1, "agent:run", by="maintainer")
    world.comment(REPO, 1, HOSTILE, by="stranger")
    world.edit_issue(REPO, 1, title="<b>Title</b>", body=HOSTILE, by="stranger")
    world.react(world.issue(REPO, 1), "eyes", by="wright[bot]")
    sha = world.pull(REPO, number).head_sha
    output = {"title": "<i>t</i>", "summary": HOSTILE, "text": "more"}
    world.create_check_run(REPO, place.app, "proof", sha, conclusion="failure", output=output)
    world.request_review(REPO, number, "maintainer", by="wright[bot]")
    world.submit_review(REPO, number, "REQUEST_CHANGES", HOSTILE, [("a.txt", 2, HOSTILE)], by="reviewer")
    comment = world.pull(REPO, number).comments[0]
    world.reply_in_thread(REPO, number, comment.id, "Done", by="wright[bot]")
    return number


async def test_every_page_is_well_formed_and_harmless(place: Place) -> None:
    number = full_of_everything(place)
    run, sha = next(iter(place.repo.check_runs)), place.repo.refs["refs/heads/topic"]
    pull = f"/{REPO}/pull/{number}"
    paths = [
        "/", "/settings/hooks", f"/{REPO}", f"/{REPO}/tree/topic", f"/{REPO}/issues", f"/{REPO}/pulls",
        f"/{REPO}/issues?state=closed", f"/{REPO}/issues/1", pull, f"{pull}/files", f"{pull}/checks",
        f"/{REPO}/runs/{run}", f"/{REPO}/commit/{sha}", f"/{REPO}/blob/topic/a.txt", f"{pull}?live=1",
    ]  # fmt: skip
    async with browser(place) as client:
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            tags = Tags(answer.text)
            assert tags.open == [], path
            for tag, attributes in tags.seen:
                assert tag != "script", path
                assert not [name for name in attributes if name.startswith("on")], path
                assert not (attributes.get("href") or "").startswith("javascript"), path
                assert not (attributes.get("src") or "/").startswith("http"), path
        assert (await client.get(f"{pull}.diff")).text.startswith("diff --git")
        assert (await client.get(f"/{REPO}/issues/{number}")).url.path == pull
        assert (await client.get("/nobody/nothing/issues/1")).status_code == 404
        assert (await client.get("/avatars/1.svg")).status_code == 404


async def test_a_pull_request_shows_its_diff_and_threads(place: Place) -> None:
    number = full_of_everything(place)
    async with browser(place) as client:
        conversation = Tags((await client.get(f"/{REPO}/pull/{number}")).text).text
        files = Tags((await client.get(f"/{REPO}/pull/{number}/files")).text).text
    for words in ("requested changes", "requested a review from maintainer", "No conflicts", "Merge pull request"):
        assert words in conversation
    assert "+TWO" in files
    assert files.index("+TWO") < files.index("Done") < files.index(" three"), "the thread stands under its line"


async def test_buttons_act_as_the_chosen_person(place: Place) -> None:
    world, number = place.forge.world, place.open_pull()

    async def press(issue: int, **form: str) -> int:
        async with browser(place) as client:
            return (await client.post(f"/{REPO}/{issue}/act", data=form)).status_code

    async with browser(place) as client:
        await client.post(f"/{REPO}/issues/new", data={"title": "New", "body": "b", "by": "stranger"})
    assert world.issue(REPO, 3).author.login == "stranger"
    assert await press(1, do="label", label="bug", by="maintainer") == 200
    assert [(one.name) for one in world.issue(REPO, 1).labels] == ["bug"]
    assert await press(1, do="label", label="bug", by="stranger") == 403
    assert await press(1, do="unlabel", label="bug", by="maintainer") == 200
    assert await press(1, do="comment", body="a\r\nb", by="stranger") == 200
    comment = world.issue(REPO, 1).comments[0]
    assert comment.body == "a\nb"
    assert await press(1, do="react", content="+1", comment=str(comment.id), by="maintainer") == 200
    assert [one.content for one in comment.reactions] == ["+1"]
    assert await press(1, do="edit", title="Other", body="c", by="stranger") == 200
    assert await press(1, do="close", by="stranger") == 200
    assert await press(1, do="reopen", by="stranger") == 200
    lines = {"line:RIGHT:2:a.txt": "Why?", "line:RIGHT:3:a.txt": ""}
    assert await press(number, do="review", verdict="REQUEST_CHANGES", body="See", by="reviewer", **lines) == 200
    pull = world.pull(REPO, number)
    assert [(one.path, one.line, one.body) for one in pull.comments] == [("a.txt", 2, "Why?")]
    assert await press(number, do="reply", thread=str(pull.comments[0].id), body="So", by="maintainer") == 200
    assert await press(number, do="draft", to="draft", by="maintainer") == 200
    assert await press(number, do="merge", method="squash", by="maintainer") == 405
    assert await press(number, do="draft", to="ready", by="maintainer") == 200
    assert await press(number, do="merge", method="squash", by="stranger") == 403
    assert await press(number, do="merge", method="squash", by="maintainer") == 200
    assert pull.merged_by is world.user("maintainer")
    assert await press(number, do="delete_branch", by="maintainer") == 200
    assert "refs/heads/topic" not in place.repo.refs
    assert await press(number, do="explode", by="maintainer") == 400
    guid = place.forge.hooks.log[0].guid
    async with browser(place) as client:
        await client.post("/settings/hooks/redeliver", data={"guid": guid})
    assert place.forge.hooks.log[-1].redelivery


async def test_other_sites_press_no_buttons(place: Place) -> None:
    form = {"do": "comment", "body": "x", "by": "octocat"}
    async with browser(place) as client:
        for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}):
            answer = await client.post(f"/{REPO}/1/act", data=form, headers=headers)
            assert answer.status_code == 403
    assert place.forge.world.issue(REPO, 1).comments == []


async def test_markdown_keeps_what_github_keeps() -> None:
    text = "<!-- hidden -->\nCloses #7\n\n> [!NOTE]\n> **Ready**\n\n- [x] done\n"
    shown = markdown(text + "\n<details><summary>More</summary>\n\n*a*\n\n</details>\n", "o/r")
    assert "hidden" not in shown
    assert '<a href="/o/r/issues/7">#7</a>' in shown
    assert '<blockquote class="alert note">' in shown
    assert '<input type="checkbox" disabled checked> done' in shown
    assert "<details><summary>More</summary>" in shown
    assert "<em>a</em>" in shown
    assert "<a href" not in markdown("`#7` and &#39; and x#7", "o/r")
    assert "1 &lt; 2 &amp; 3 &lt;b" in markdown("1 < 2 & 3 <b", "o/r")

"""Markdown as GitHub shows it, from text that anybody may have written: no HTML of theirs reaches the page."""

import html
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HARMLESS = re.compile(r"(</?(?:details|summary|sub|sup|kbd|br)\s*/?>)", re.IGNORECASE)
_TASK = re.compile(r"(<li>(?:\s*<p>)?)\[([ xX])\] ")
_ALERT = re.compile(r"<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*(?:<br />\s*)?")
_NUMBER = re.compile(r"(?<![\w/&#])#(\d{1,9})\b")


def markdown(text: str | None, repo: str, *, breaks: bool = True) -> Markup:
    """A text as safe HTML; `#7` becomes a link into `repo` (`owner/name`). Files do not keep single line breaks."""
    shown = _PARSERS[breaks].render(text or "", {"repo": repo})
    return Markup(_TASK.sub(_checkbox, _ALERT.sub(_alert, shown)))  # noqa: S704 - see _raw and _text


def _parser(breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": breaks})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.add_render_rule("html_block", _raw)
    parser.add_render_rule("html_inline", _raw)
    parser.add_render_rule("text", _text)
    return parser


def _raw(_renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    """HTML of the text: a few tags without attributes stay, comments go, everything else is shown as text."""
    parts = _HARMLESS.split(_COMMENT.sub("", tokens[at].content))
    return "".join(part if _HARMLESS.fullmatch(part) else html.escape(part) for part in parts)


def _text(_renderer: object, tokens: Sequence[Token], at: int, _options: object, env: dict[str, Any]) -> str:
    repo = html.escape(env["repo"])
    return _NUMBER.sub(rf'<a href="/{repo}/issues/\1">#\1</a>', html.escape(tokens[at].content))


def _alert(found: re.Match[str]) -> str:
    kind = found[1].lower()
    return f'<blockquote class="alert {kind}"><p class="alert-title">{kind.capitalize()}</p><p>'


def _checkbox(found: re.Match[str]) -> str:
    checked = "" if found[2] == " " else " checked"
    return f'{found[1]}<input type="checkbox" disabled{checked}> '


_PARSERS = {breaks: _parser(breaks) for breaks in (True, False)}

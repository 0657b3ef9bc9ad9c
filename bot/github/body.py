"""The body of a pull request: our part between two markers, everything around it belongs to people."""

from bot.github.cut import BODY_LIMIT, cut_middle

BEGIN = "<!-- issuewright:begin -->"
END = "<!-- issuewright:end -->"


def renewed(body: str, ours: str) -> str:
    """`body` with our part saying `ours`; without both markers, our part goes on top of what is there."""
    body = body.replace("\r\n", "\n")
    before, begin, rest = body.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        before, after = "", f"\n\n{body.strip()}" if body.strip() else ""
    inner = ours.replace("\r\n", "\n").replace(BEGIN, "").replace(END, "").strip()
    frame = len(before) + len(after) + len(BEGIN) + len(END) + 2
    return f"{before}{BEGIN}\n{cut_middle(inner, BODY_LIMIT - frame)}\n{END}{after}"

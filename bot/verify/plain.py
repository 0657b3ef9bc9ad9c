"""What a repository wrote, made fit to stand in a sentence: printable, short, on as many lines as are wanted."""

_LINES = 12


def one_line(text: str, most: int = 200) -> str:
    """Printable, on one line, without the sign that ends a quotation in markdown; cut at the end."""
    text = " ".join(text[: most * 4].split())
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text).replace("`", "'")
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def excerpt(text: str, most: int) -> str:
    """The first lines, printable; cut at the end."""
    lines = text[: most * 4].strip().splitlines()[:_LINES]
    plain = "\n".join("".join(char if char.isprintable() or char == "\t" else " " for char in line) for line in lines)
    return plain if len(plain) <= most else plain[: most - 1] + "…"

"""What is said when a program used more of the machine than it may."""

from bot.words.plain import amount


def too_much_memory(seen: int, most: int) -> str:
    """Bytes."""
    return f"it used {amount(seen)} of memory; at most {amount(most)} may be used"


def too_much_disk(seen: int, most: int) -> str:
    """Bytes."""
    return f"it filled {amount(seen)} of disk space; at most {amount(most)} may be used"


def too_deep(most: int) -> str:
    """Folders in folders."""
    return f"it nested folders more than {most} deep, so that nobody can tell how much they hold"

"""Why a remote rejected a push: its own words, with the rules that it names."""

from bot.workspace.remote import one_line

_SAID = "remote: "
_RULE, _ERROR = "- ", "error: "
_MOST = 5


def reason(verdict: str, complaint: str) -> str:
    """One line. GitHub heads its list of rules with an error (GH006, GH013); the rules are what a person can mend.

    `verdict` is git's own line (`!<tab>src:dst<tab>[remote rejected] (why)`), for a remote that says nothing.
    """
    lines = [line.strip() for line in complaint.splitlines()]
    said = [line.removeprefix(_SAID).strip() for line in lines if line.startswith(_SAID)]
    if not any(said):
        return verdict.split("\t")[-1]
    heads = [line.removeprefix(_ERROR) for line in said if line.startswith(_ERROR)]
    rules = [line.removeprefix(_RULE) for line in said if line.startswith(_RULE)]
    found = [*heads[1:], *rules][:_MOST]
    if not (heads and found):
        return one_line(complaint)
    return f"{heads[0].rstrip('.')}: {' '.join(dict.fromkeys(found))}"

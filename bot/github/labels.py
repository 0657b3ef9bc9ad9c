"""Labels: ours exist in every repository, and go on and off issues."""

from urllib.parse import quote

from bot.github.api import repo_call
from bot.github.errors import Refused
from bot.github.models import WireLabel
from bot.github.verbs import Verbs
from bot.task.ids import IssueRef, RepoRef

LABELS: dict[str, tuple[str, str]] = {
    "agent:run": ("1f883d", "Issuewright works on this issue and opens a pull request"),
    "agent:plan": ("0969da", "Issuewright writes a plan first and waits for a go"),
    "agent:needs-input": ("bf8700", "Issuewright waits for an answer"),
}
"""Name to colour (six hexadecimal digits) and description (100 characters at most)."""
_OTHER = ("ededed", "")


class Labels(Verbs):
    """Implements the labels of `Writes` of `bot.flow.doors`."""

    async def add_label(self, ref: IssueRef, label: str) -> None:
        """A label that the repository lacks is made first, so that it gets our colour and not GitHub's grey."""
        path = f"/labels/{quote(label, safe='')}"
        if await self._api.find(repo_call(ref.repo, f"read the label {label} of {ref.repo.full_name}", path)) is None:
            await self._make_label(ref.repo, label)
        place, body = f"/issues/{ref.number}/labels", {"labels": [label]}
        call = repo_call(ref.repo, f"label {ref} with {label}", place, "POST", body=body)
        await self._api.write(call, repeatable=True)

    async def remove_label(self, ref: IssueRef, label: str) -> None:
        path = f"/issues/{ref.number}/labels/{quote(label, safe='')}"
        call = repo_call(ref.repo, f"take the label {label} off {ref}", path, "DELETE")
        try:
            await self._api.write(call, repeatable=True)
        except Refused as refused:
            if not refused.gone:
                raise

    async def ensure_labels(self, repo: RepoRef) -> None:
        """Labels that are there keep the colour and description that people gave them."""
        call = repo_call(repo, f"list the labels of {repo.full_name}", "/labels")
        rows = await self._api.pages(call, lambda rows: map(WireLabel.model_validate, rows))
        there = {row.name.casefold() for row in rows}
        for label in LABELS:
            if label.casefold() not in there:
                await self._make_label(repo, label)

    async def _make_label(self, repo: RepoRef, label: str) -> None:
        colour, description = LABELS.get(label, _OTHER)
        body = {"name": label, "color": colour, "description": description}
        call = repo_call(repo, f"create the label {label} in {repo.full_name}", "/labels", "POST", body=body)
        try:
            await self._api.write(call, repeatable=True)
        except Refused as refused:
            if not (refused.status == 422 and refused.says("already_exists")):
                raise

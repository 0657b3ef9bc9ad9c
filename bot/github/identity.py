"""Who we are on GitHub: the App's number and the user id of its bot account, asked for once."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.github.api import Api
from bot.github.models import WireApp, WireInstallation, WireUser
from bot.github.transport import By, Call
from bot.task.ids import InstallationId


@dataclass(frozen=True, slots=True)
class Self:
    """The App as GitHub knows it."""

    app_id: int
    user_id: int


class Identity:
    """Remembers who we are."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._self: Self | None = None

    async def get(self) -> Self:
        if self._self is None:
            app = WireApp.model_validate((await self._api.read(Call("tell who the App is", "app", "GET", "/app"))).data)
            path = f"/users/{quote(f'{app.slug}[bot]', safe='')}"
            call = Call("tell the App's bot account", await self._someone(), "GET", path)
            user = WireUser.model_validate((await self._api.read(call)).data)
            self._self = Self(app.id, user.id)
        return self._self

    async def _someone(self) -> By:
        """An installation to ask as, since the App itself may not ask for users; nobody when there is none yet."""
        call = Call("list the App's installations", "app", "GET", "/app/installations")
        installations = await self._api.pages(call, lambda rows: map(WireInstallation.model_validate, rows))
        return next((InstallationId(one.id) for one in installations if one.suspended_at is None), "nobody")

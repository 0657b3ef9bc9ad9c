"""What each group of verbs is built on."""

from bot.github.api import Api
from bot.github.identity import Identity
from bot.github.marker import Marks


class Verbs:
    """A group of verbs towards GitHub; the groups share everything here and hold nothing of their own."""

    def __init__(self, api: Api, identity: Identity, marks: Marks) -> None:
        self._api = api
        self._identity = identity
        self._marks = marks

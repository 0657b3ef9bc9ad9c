"""The world of the forge: its state and everything that people and apps can do in it."""

from bot.demo.forge.world.places import PlaceVerbs
from bot.demo.forge.world.reviews import Inline

__all__ = ["Inline", "World"]


class World(PlaceVerbs):
    """All verbs in one place. Verbs that change something take `by` (who acts) and `silent` (no webhook)."""

"""A GitHub on a laptop, in pure Python: real git, GitHub's REST answers, signed webhooks, plain pages.

`issuewright demo` runs on it, and the tests use it as their GitHub.
"""

from bot.demo.forge.forge import Forge, build_forge
from bot.demo.forge.refusal import Refused
from bot.demo.forge.world import Inline, World

__all__ = ["Forge", "Inline", "Refused", "World", "build_forge"]

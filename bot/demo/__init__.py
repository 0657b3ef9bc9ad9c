"""The demo: a GitHub on this machine, a sample repository, and the story that is played on them."""

"""A demo agent that replays prepared steps; it has no language model and says so."""

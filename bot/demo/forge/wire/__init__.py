"""GitHub's JSON: pure functions from rows of the world to the dictionaries that REST and webhooks carry."""

"""The REST API: routes that check who asks, call a verb of the world and answer in GitHub's shapes."""

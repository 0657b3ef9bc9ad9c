"""The GitHub door: auth and transport by githubkit, our verbs, narrow payload models."""

"""Plain HTML pages of the forge: read everything, act as anybody, no script and nothing from elsewhere."""

"""What is known of the coding agents that people use: one file of data each, read by `bot/agents/catalogue.py`."""

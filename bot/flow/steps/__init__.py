"""One short function per effect: perform it, and return the event that happened."""

"""Ground floor: what a task is and how it moves. Pure: no I/O, no clock, no randomness."""

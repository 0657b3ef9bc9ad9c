"""The face: the webhook receiver, the probes and the pages."""

"""Durable memory: tasks, events, effects, deliveries, artifacts."""

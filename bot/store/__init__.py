"""Durable memory: tasks, events, effects, deliveries, artifacts. All SQL is here."""

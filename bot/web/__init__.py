"""The face: webhook receiver and pages."""

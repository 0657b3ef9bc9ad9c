"""Alembic scripts: each adds (expand); what older code needs is removed a version later (contract)."""

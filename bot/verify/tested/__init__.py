"""Tests as source code: what they are called, what they assert, and how two versions of them differ."""

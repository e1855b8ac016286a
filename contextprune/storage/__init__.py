"""Originals by recall key, and decisions: in memory, in SQLite, in Redis."""

"""Originals and decisions, kept in memory, in a SQLite file or on a Redis."""

"""Needed lines of tool outputs."""

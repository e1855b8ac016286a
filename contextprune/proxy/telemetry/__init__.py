"""Measurements of each request, and their ways out: logs, metrics, traces."""

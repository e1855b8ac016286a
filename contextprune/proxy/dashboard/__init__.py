"""Pages of the running proxy, for people, and the same figures as JSON."""

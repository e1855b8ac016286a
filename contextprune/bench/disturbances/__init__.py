"""Recorded sessions through the proxy while clients, scorer processes and stores misbehave, and what that costs."""

"""Replay of what was sent: whose a conversation is, how it recalls, and which texts went out; no scorer is needed."""

"""contextprune.dialects"""

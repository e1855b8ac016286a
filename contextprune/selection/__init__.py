"""contextprune.selection"""

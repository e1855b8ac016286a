"""contextprune.bench"""

"""Prices, what a request costs by them, and when a rewrite of what is cached pays."""

"""The proxy: between a client and its provider, out of the way of both."""

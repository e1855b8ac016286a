"""The pages of the proxy, for people."""

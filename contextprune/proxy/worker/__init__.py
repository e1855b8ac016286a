"""The scorer process: it decides request bodies, one at a time."""

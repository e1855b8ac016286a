"""One family of tools each: runs of it, and the spans that a goal needs of the output."""

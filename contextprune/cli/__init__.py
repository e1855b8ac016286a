"""The command line: one module a command, and the output that they share."""

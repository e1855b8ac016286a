"""The face of contextprune."""

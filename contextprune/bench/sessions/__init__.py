"""Cost of whole sessions, and the values and lines that stay visible in them."""

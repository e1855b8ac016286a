"""Future-use recall on agent traces."""

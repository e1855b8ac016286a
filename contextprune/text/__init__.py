"""What a text shows: identifiers, failure lines."""

"""What a text shows: identifiers, failure lines, views of files."""

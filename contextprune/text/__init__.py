"""Signs in a text: identifiers, failure lines, views of files."""

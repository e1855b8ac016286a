"""Signs in a text: identifiers, failure lines, views of files, what the user asked and what harnesses add to it."""

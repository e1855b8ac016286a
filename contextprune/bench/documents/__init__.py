"""Evidence recall on questions over documents."""

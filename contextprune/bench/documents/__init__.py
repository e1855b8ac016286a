"""Evidence recall: the share of what answers a question that stays in its documents."""

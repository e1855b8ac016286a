"""A conversation over its turns: decided on arrival, remembered in the ledger, rewritten at epochs."""

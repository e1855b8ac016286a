"""Future-use recall: the share of what later actions use that stays visible in a trace."""

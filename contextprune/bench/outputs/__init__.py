"""Tool-output recall: the share of the needed lines that stays of a single output."""

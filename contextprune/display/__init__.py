"""What people look at: the reading page, plots, amounts, terminal text."""

"""Views for people: the reading page, plots, amounts, terminal text."""

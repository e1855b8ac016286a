"""Distance of the cost model from real bills."""

"""The benchmark: survival at a budget, cost and speed, beside the baselines that anyone could use instead.

Start with `run`; `evidence` and `future_use` hold the definitions, `baselines` and `masking` the rivals, `ours` our arms.
"""

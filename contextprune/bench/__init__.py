"""The benchmark: survival at a budget, cost and speed, beside the baselines that anyone could use instead.

Start with `run`; `evidence` and `future_use` define figures, `baselines` and `masking` are rivals, `ours` our arms.
"""

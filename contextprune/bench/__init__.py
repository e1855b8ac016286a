"""The benchmark: what survives at a budget, and how fast, beside what anyone could do without us.

Start with `run`; `evidence` and `traces` hold the definitions, `baselines` and `masking` the rivals, `ours` our arms.
"""

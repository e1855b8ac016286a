"""The making of the shipped scorer: labels without an LLM, training, calibration, export."""

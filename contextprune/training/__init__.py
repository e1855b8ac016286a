"""How the shipped scorer is made: labels without an LLM, training, calibration, export."""

"""Fine-tuning of the shipped weights on one's own sessions: nothing leaves the machine."""

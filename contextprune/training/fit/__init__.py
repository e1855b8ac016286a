"""Training itself: samples to tensors, the loss, calibration, judging, export."""

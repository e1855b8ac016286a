"""Training of the network of neural.v2: examples on disk, the first table of pieces, the loop, and its judging."""

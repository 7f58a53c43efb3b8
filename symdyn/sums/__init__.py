"""One pass over the data: sums over trajectories, their charts, checkpoints, files.

It must not know of laws; what comes after fits in a laptop.
"""

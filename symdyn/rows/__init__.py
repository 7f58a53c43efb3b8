"""What one row of data is: weak windows, even and odd samples, rates, noise; of trajectories and of fields.

It must not know of sums, nor of what rows are used for.
"""

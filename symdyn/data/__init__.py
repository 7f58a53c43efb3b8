"""xarray and Dask: trajectories in, small sums out."""

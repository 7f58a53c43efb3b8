"""From sums over trajectories to laws, symmetries and the evidence for them."""

"""Fields over time and space: their grids, and rows of equations and of conditions on symmetries made from them."""

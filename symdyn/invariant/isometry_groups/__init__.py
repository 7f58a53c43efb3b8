"""Groups of isometries of manifolds: orders, Haar measures, quotients."""

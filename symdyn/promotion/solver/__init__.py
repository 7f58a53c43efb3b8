"""Nuclear norms of Lie derivatives: exact maps, shrinkage, a proximal solver with certified bounds.

It must not know of estimators.
"""

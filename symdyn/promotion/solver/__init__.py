"""Nuclear norms of Lie derivatives: exact maps, shrinkage, a proximal solver with certified bounds.

Nothing here depends on the estimators.
"""

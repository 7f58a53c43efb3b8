"""Spaces of functions: values, exact Jacobians, names, families, text; numpy and scipy only.

Nothing here depends on generators, data or laws.
"""

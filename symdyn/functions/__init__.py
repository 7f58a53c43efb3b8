"""Spaces of functions: values, exact Jacobians, names, families, text; numpy and scipy only.

It must not know of generators, of data, or of laws.
"""

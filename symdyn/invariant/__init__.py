"""Invariant regression on manifolds: kernels, series of eigenfunctions, and what invariance is worth in samples.

It must not know of dynamics.
"""

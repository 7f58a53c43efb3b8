"""Lie point symmetries of fields u(t, x), with evidence.

It must not know of models that are constrained.
"""

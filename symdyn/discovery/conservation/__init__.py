"""Conserved quantities of data and of laws, with evidence.

It must not know of models that are constrained.
"""

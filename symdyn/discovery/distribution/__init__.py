"""Symmetries of ensembles: which generators and elements keep a density, and how far along orbits it was seen.

A law may be symmetric while the data are not, and the reverse; nothing here depends on a law.
"""

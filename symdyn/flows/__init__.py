"""Trajectories and points carried along the flow of generators.

This package depends on vector fields and the schema of data, but neither on the origin of generators nor on laws.
"""

"""Trajectories and points carried along the flow of generators.

It knows vector fields and the schema of data. It must not know where generators come from, nor laws.
"""

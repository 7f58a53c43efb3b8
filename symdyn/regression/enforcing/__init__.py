"""How much of a symmetry is enforced: laws without parts of the data, inside a symmetry and free.

It must not know how a model is called.
"""

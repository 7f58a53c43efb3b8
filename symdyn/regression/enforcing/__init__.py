"""How much of a symmetry is enforced: laws fitted with parts of the data held out, with and without the symmetry.

Nothing here depends on the name of a model.
"""

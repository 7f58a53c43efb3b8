"""What was found or given as a symmetry: `LieAlgebra`, conserved quantities, lists of symmetries.

It must not know of models.
"""

"""What a symmetry leaves free: null spaces over coefficients, intertwiners, violations of models.

It must not know of data.
"""

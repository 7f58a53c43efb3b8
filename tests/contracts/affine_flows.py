"""Elements exp(t v) of affine generators v in the plane, and rates along them."""

import numpy as np
from scipy.linalg import expm

from symdyn.lie import groups


def flowed(generator, time):
    """The element exp(time v) of an affine field v."""
    shift, matrix = generator.coefficients[:, 0], generator.coefficients[:, 1:]
    whole = expm(time * np.block([[matrix, shift[:, None]], [np.zeros((1, 3))]]))
    return groups.element(whole[:2, :2], whole[:2, 2], states=generator.states)


def rate(function, generator, step=1e-5):
    """d/dt at t = 0 of a function of the element exp(t v)."""
    return (function(flowed(generator, step)) - function(flowed(generator, -step))) / (2 * step)

"""Fields u(t, x): polynomials in jets, laws of evolution, point transformations, the grammar of terms.

It must not know of data.
"""

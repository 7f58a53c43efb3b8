"""Laws of fields u(t, x): terms chosen by prediction, which of them cannot be told apart, errors.

It must not know of symmetries.
"""

"""Laws from sums: families of terms chosen by prediction, errors, scales, what a law leaves over.

It must not know of symmetries.
"""

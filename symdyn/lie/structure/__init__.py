"""What a Lie algebra is: brackets, Levi decomposition, names.

It reads structure constants and spans; it must not know where they came from.
"""

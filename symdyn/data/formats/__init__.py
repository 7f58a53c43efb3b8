"""Files of other programs as plain arrays by name.

It must not know what the arrays mean.
"""

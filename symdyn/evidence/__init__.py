"""From a law with its error to violations, bounds and verdicts.

It must not know where forms came from: data, functions, networks or fields.
"""

"""What the `plot` methods of results draw: into axes that are given, or into a new figure.

It knows axes and results. It must not know pages, files, or which job asks.
"""

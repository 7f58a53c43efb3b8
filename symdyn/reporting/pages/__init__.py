"""Pages of single results, as `search.report` writes them, and all that methods of results call to be shown.

It knows every kind of result. It must not know jobs and run directories.
"""

"""The command `symdyn`: jobs, checks and lists on a command line.

Only `click` is loaded to show help: modules that compute are imported when their command runs.
"""

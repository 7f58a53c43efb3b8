"""What each workflow computes, from files and options to a run directory: one function in a module of its name.

It must not know who calls it, a script or a command, nor what a reader is told (`symdyn.reporting.describe`).
Its modules are imported one by one: some load pysindy, and torch when they run.
"""

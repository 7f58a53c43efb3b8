"""What each workflow computes, from files and options to a run directory: one module for each workflow.

It must not know who asks, a script or a command, nor what a reader is told, which is in `symdyn.reporting.describe`.
"""

"""Rows of a regression from runs as they came: differentiated in batches, reduced block by block."""

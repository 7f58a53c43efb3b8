"""Exact algebras near estimated ones: frames, templates, snapping, error bars of spans.

It must not know of data, only of spans with replicates.
"""

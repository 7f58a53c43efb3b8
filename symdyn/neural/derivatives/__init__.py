"""Lie derivatives of torch modules: actions, penalties, symmetries of networks."""

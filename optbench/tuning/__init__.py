"""Searches over the spaces of an experiment, each optimizer under the same budget."""

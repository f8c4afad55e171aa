"""Checks of an optimizer: whether it learns, survives saving, respects groups, and so on."""

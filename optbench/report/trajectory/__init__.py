"""Paths of optimizers on an objective, as tables, pictures and animations."""

"""Formulas on plain numbers; nothing here knows of runs."""

"""Carries plans out on a Ray cluster."""

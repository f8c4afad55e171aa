"""Plan runs and carry them out."""

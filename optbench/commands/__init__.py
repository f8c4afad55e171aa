"""Commands that bring training and reporting together; each returns an exit code."""

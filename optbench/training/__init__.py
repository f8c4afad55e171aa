"""One cohort: seeding, the loop, metrics, checkpoints. Yields records, writes nothing."""

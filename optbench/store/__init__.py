"""Run directories: writing them whole, finding them, reading them with suspicion. No torch."""

"""Real faults, and that optbench holds: docs/reliability.md has the table.

`pytest -m faults` injects the full counts and stores what held in results/; without `-m`, a tenth
is injected and nothing stored. A test file names in `SABOTAGE` what its tests have to notice.
"""

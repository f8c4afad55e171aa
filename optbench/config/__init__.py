"""YAML to frozen, validated values that know their file and line. No torch."""

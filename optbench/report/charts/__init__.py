"""Pictures of a comparison: one Vega-Lite specification for paper, screen and report."""

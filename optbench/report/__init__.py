"""Tables, charts and pages about runs. Renders, computes nothing."""

"""Claims of experiments, judged by their finished runs."""

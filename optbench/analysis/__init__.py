"""What finished runs show: statistics, pairing, comparison. Computes, prints nothing."""

"""What makes a comparison unfair."""

"""A comparison as one page for browsers, which needs no server and asks no network."""

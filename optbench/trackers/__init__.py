"""Telling other people's trackers about runs, while they train or afterwards.

A tracker is one more consumer of the stream of events. Nothing here slows a run, fails it or
changes a byte of it: the store stays the only truth, and a tracker can be filled from it again.
"""

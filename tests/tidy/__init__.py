"""Checks of the source tree itself: sizes, layers, heads, leftovers, and the protocol page."""

"""The protocol's JSON Schema, the pages generated from it, and the frames that must match it."""

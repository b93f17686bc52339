"""The protocol's JSON Schema, what is made of it, and the frames that are held to it."""

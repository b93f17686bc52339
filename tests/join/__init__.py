"""Coding agents that take part without code, each played by a strict fake of its documented side."""

"""scitex-orochi 0.1.0, unmodified from the package index, as the peer of this project."""

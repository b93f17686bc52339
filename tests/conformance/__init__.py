"""Autobahn's WebSocket cases against the hub's sockets."""

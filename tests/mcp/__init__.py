"""The tools of MCP, through the clients that the package index has."""

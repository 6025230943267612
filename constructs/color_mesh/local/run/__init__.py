"""A run: namespaces, processes, and what they ask."""

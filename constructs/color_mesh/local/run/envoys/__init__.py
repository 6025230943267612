"""Envoys that receive their configuration from App Mesh: compiled, and served by discovery servers."""

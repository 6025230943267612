"""The color-mesh command."""

"""The plan of a run: pure, read from a cloud assembly."""

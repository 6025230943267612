"""The commands. ``run`` of a command's module takes the parsed arguments and returns the exit status."""

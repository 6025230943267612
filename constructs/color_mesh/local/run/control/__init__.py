"""The control socket, through which the commands reach a running mesh."""

"""The commands that talk to a run over its control socket."""

"""The ``color-mesh`` command: arguments in, text out. Each command is a module of ``commands``."""

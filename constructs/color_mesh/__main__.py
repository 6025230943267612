"""The ``color-mesh`` command as ``python -m color_mesh``."""

import sys

from color_mesh.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""The first process of the process namespace of a run: it reaps orphans, and the run ends when it ends.

The mesh runs in its child, the supervisor, and this process imports as little as possible.
"""

import json
import os
import socket
import sys


def main() -> int:
    """Run the supervisor with the options in the argument, in a child process, and return its exit status."""
    options = json.loads(sys.argv[1])
    outside = socket.socket(fileno=options["outside"])
    child = os.fork()
    if child == 0:
        from color_mesh.local.run.supervisor import run_supervisor

        run_supervisor(options, outside)
    outside.close()
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status) % 256

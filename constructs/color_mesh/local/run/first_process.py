"""The first process of the process namespace of a run: it reaps orphans, and the run ends when it ends.

It reads its options from the file descriptor in the argument. The mesh runs in its child, the supervisor, and this
process imports as little as possible.
"""

import json
import os
import socket
import sys


def main() -> int:
    """Run the supervisor in a child process, and return its exit status."""
    with os.fdopen(int(sys.argv[1]), "rb") as passed:
        options = json.loads(passed.read())
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

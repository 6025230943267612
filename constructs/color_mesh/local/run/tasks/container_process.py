"""Command lines that give a process the network, user, environment, capabilities and shared memory of its container.

They are started with `SYSTEM_ENVIRONMENT`. The environment of the container takes effect after the privileges of the
run are dropped, and only for the program of the container.
"""

from collections.abc import Mapping, Sequence

from color_mesh.local.run.isolation import system_program
from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES

# Docker's default capabilities, which ECS uses too (Docker documentation, Runtime privilege and Linux capabilities).
_CAPABILITIES = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,"
    "audit_write,setfcap"
)


def contained(network: str, user: tuple[int, int], environment: Mapping[str, str], command: Sequence[str]) -> list[str]:
    """Return the command line that runs a command in a network namespace, with the privileges of a container.

    Args:
        network: Network namespace.
        user: User and group.
        environment: Environment of the command.
        command: Command of the container.
    """
    uid, gid = user
    privileges = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]
    bounding = "--bounding-set=-all," + ",".join(f"+{each}" for each in _CAPABILITIES.split(","))
    namespace = [system_program("nsenter"), f"--net={NETWORK_NAMESPACES / network}"]
    variables = [f"{name}={value}" for name, value in environment.items()]
    program = list(command) or [""]  # Without a program, env would succeed, and print the environment.
    if "=" in program[0]:
        # env would take the program for a variable.
        program = [system_program("sh"), "-c", 'exec "$@"', "sh", *program]
    return [
        *(*namespace, system_program("setpriv"), *privileges, bounding, "--"),
        *(system_program("env"), "--ignore-environment", "--", *variables, *program),
    ]


def with_shared_memory(command: Sequence[str]) -> list[str]:
    """Return the command line that gives a command its own ``/dev/shm``, which each container has."""
    script = f'{system_program("mount")} -t tmpfs -o mode=1777 shm /dev/shm; exec "$@"'
    return [system_program("unshare"), "--mount", system_program("sh"), "-c", script, "sh", *command]

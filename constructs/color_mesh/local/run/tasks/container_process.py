"""Command lines that give a process the network, user, capabilities and shared memory of its container."""

from collections.abc import Sequence

from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES

# Docker's default capabilities, which ECS uses too (Docker documentation, Runtime privilege and Linux capabilities).
_CAPABILITIES = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,"
    "audit_write,setfcap"
)
_MOUNT_SHARED_MEMORY = 'mount -t tmpfs -o mode=1777 shm /dev/shm; exec "$@"'


def contained(network: str, user: tuple[int, int], command: Sequence[str]) -> list[str]:
    """Return the command line that runs a command in a network namespace, as a user and group of a container."""
    uid, gid = user
    privileges = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--inh-caps=-all"]
    bounding = "--bounding-set=-all," + ",".join(f"+{each}" for each in _CAPABILITIES.split(","))
    return ["nsenter", f"--net={NETWORK_NAMESPACES / network}", "setpriv", *privileges, bounding, "--", *command]


def with_shared_memory(command: Sequence[str]) -> list[str]:
    """Return the command line that gives a command its own ``/dev/shm``, which each container has."""
    return ["unshare", "--mount", "sh", "-c", _MOUNT_SHARED_MEMORY, "sh", *command]

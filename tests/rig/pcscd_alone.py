"""Becomes pcscd: in a network of its own, on the listening socket given as standard input.

python -m tests.rig.pcscd_alone FOLDER-WITH-READER-CONFIGURATION

vpcd listens on every address of its network, so that network holds nothing but a loopback of its own. The
socket is handed over as systemd would (LISTEN_FDS), so the system's own pcscd, if there is one, is not touched.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

PCSCD = "/usr/sbin/pcscd"
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
UP_AND_RUNNING = 0x41
LISTEN_FD = 3
PR_SET_PDEATHSIG = 1
CANNOT_CONTAIN = 77


def main() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        print(f"unshare(CLONE_NEWNET): {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(CANNOT_CONTAIN)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a test run that is killed leaves no daemon behind
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", UP_AND_RUNNING))
    os.dup2(0, LISTEN_FD)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    surroundings = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    os.execve(PCSCD, ["pcscd", "--foreground", "--config", sys.argv[1]], surroundings)


if __name__ == "__main__":
    main()

"""A process of its own for what must not run in ours: a vendor's binary code, files somebody brought.

It is started for one job and ends with it: the job on its standard input, what came of it on its standard
output. Whoever starts it limits its time and how much it may say; it limits its own memory and gives up its
network before it looks at the job.
"""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
from typing import Final

ANSWER_BYTES_MAX: Final = 1 << 16
_CLONE_NEWUSER: Final = 0x1000_0000
_CLONE_NEWNET: Final = 0x4000_0000
_PROBE_S: Final = 20.0


async def run(module: str, job: bytes, *, seconds: float, bytes_max: int) -> tuple[int, bytes]:
    """Exit code and output of `python -m module` with `job` as its input; the process has ended then.

    The code is negative where it died of a signal, or was ended because it took more than `seconds` or wrote
    more than `bytes_max`; what it wrote before is still given.
    """
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), *sys.path]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path},
    )
    said = bytearray()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as both:
                both.create_task(_hand_over(process, job))
                both.create_task(_listen(process, said, bytes_max))
                both.create_task(process.wait())
    finally:
        if process.returncode is None:
            process.kill()
        code = await process.wait()
    return (code if len(said) <= bytes_max else -signal.SIGKILL), bytes(said[:bytes_max])


async def _hand_over(process: asyncio.subprocess.Process, job: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # one that died says why by its exit code
        process.stdin.write(job)
        await process.stdin.drain()
        process.stdin.close()


async def _listen(process: asyncio.subprocess.Process, said: bytearray, bytes_max: int) -> None:
    assert process.stdout is not None
    while len(said) <= bytes_max and (piece := await process.stdout.read(ANSWER_BYTES_MAX)):
        said += piece
    if len(said) > bytes_max:
        process.kill()


def confine(*, memory_bytes: int, cpu_s: int) -> bool:
    """Bound this process and take its network away; False where the kernel does not allow the latter."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bound(memory_bytes)
    return without_network()


def bound(memory_bytes: int) -> None:
    """From now on this process has no more memory than that; what wants more gets MemoryError."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def without_network() -> bool:
    """From now on this process reaches no network, not even this machine's; False where it still does.

    To be called before there is a second thread. Lines already open stay, and so do sockets in the file
    system. Without privileges it takes a kernel that lets everybody have namespaces (Debian's does).
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    return any(kernel.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


async def possible() -> bool:
    """Whether a process started here and now would be without network."""
    code, _ = await run("drivers.apart", b"", seconds=_PROBE_S, bytes_max=0)
    return code == 0


if __name__ == "__main__":
    sys.exit(0 if without_network() else 1)

"""Taking time: single durations, samples with percentiles, work at a pace."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_NEVER = threading.Event()  # never set: its wait is a pause


class Took:
    """How long a block took; readable after it."""

    seconds = 0.0


@contextmanager
def took() -> Iterator[Took]:
    """Measure a block."""
    found, begun = Took(), time.perf_counter()
    yield found
    found.seconds = time.perf_counter() - begun


def samples_ms(work: Callable[[], object], count: int) -> list[float]:
    """How long each of `count` calls took."""
    found = []
    for _ in range(count):
        with took() as one:
            work()
        found.append(one.seconds * 1000)
    return found


def percentile(samples: list[float], percent: float) -> float:
    """The smallest sample that `percent` of the samples do not exceed (nearest rank)."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def best_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of some calls: the floor of a noisy machine."""
    return min(samples_ms(work, times)) / 1000


def forget_pages(path: Path) -> None:
    """Have the system drop the file's clean pages from memory: the next read comes from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def paced(count: int, every_s: float, first_s: float, act: Callable[[int], None]) -> None:
    """Call `act(0)`, `act(1)`, … at fixed times, the first after `first_s`; a late call is not made up for."""
    begun = time.perf_counter() + first_s
    for number in range(count):
        rest = begun + number * every_s - time.perf_counter()
        if rest > 0:
            _NEVER.wait(rest)
        act(number)

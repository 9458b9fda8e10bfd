"""The operating system's randomness, drawn from a seed: keys, salts, nonces and names of a world are the seed's, too.

What they are decides how well a batch compresses, and so where a line cuts it: with other keys a seed is another world.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

WRITER = "writer"
"""The node's thread that runs beside the others; what it draws must not depend on who was first."""


@contextmanager
def drawn_from(seed: object) -> Iterator[None]:
    """While this lasts, `secrets` and `os.urandom` give what the seed gives, in each thread in the order it asks."""
    main, writer = Random(f"chance {seed}"), Random(f"chance of the writer {seed}")

    def urandom(count: int) -> bytes:
        return (writer if threading.current_thread().name == WRITER else main).randbytes(count)

    was = os.urandom
    _put(urandom)
    try:
        yield
    finally:
        _put(was)


def _put(source: Callable[[int], bytes]) -> None:
    for place, name in ((os, "urandom"), (random, "_urandom")):  # the second is what `secrets` draws from
        setattr(place, name, source)

"""A lossy line between real processes: slow and far, cut at every byte of a border, half-open, flapping under load."""

import itertools
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from random import Random

import pytest

from tests.faults.ground import Ground, entries
from tests.faults.killing import Killing, exactly_once
from tests.faults.nursery import Nursery
from tests.faults.relay import WHOLE, Fate, Relay

RATE_BYTES_PER_S, ROUND_TRIP_S = 200, 30.0
"""The line of protocol.md 12; `--hurry N` is how many times faster everything on it goes."""
EXCHANGE_S = 600.0
BORDERS, AROUND = (0, 1, 2, -1), range(-1, 5)
"""Borders of a batch: its header's end, two between frames, its trailer. It is cut so many bytes from each.

Those are the mark and length fields before and behind it.
"""
GIVES_UP = "exchange_deadline_s = 3\n"
TROUBLE, LIVES = 3, 6
_NUMBER = itertools.count(1)


class Far:
    """A hall whose only way to the centre is a relay."""

    def __init__(self, ground: Ground, nursery: Nursery, name: str) -> None:
        self.ground, self._nursery = ground, nursery
        self.relay = Relay(ground.port)
        self.data = ground.folder / name
        self._log = ground.folder / f"{name}.log"
        self.node = ground.second_hall(self.data, self.relay.url)
        assert self.exchange() == 0, self.said()

    def exchange(self, timeout_s: float = EXCHANGE_S) -> int:
        """`edge exchange` as a process; its exit code."""
        return self._run(["edge", "exchange", "--data", str(self.data), "--json"], timeout_s)

    def act(self, name: str) -> None:
        """One of `acting`'s acts, as a process."""
        assert self._run(["acting", name, str(self.data)], 60) == 0, self.said()

    def _run(self, words: list[str], timeout_s: float) -> int:
        return self._nursery.wait(self._nursery.start(words, self._log), timeout_s)

    def said(self) -> str:
        """The end of what its processes said."""
        text = self._log.read_text("utf-8")
        assert "Traceback" not in text, text[-3000:]
        return text[-600:]

    def level(self) -> None:
        """The line is good again: one exchange, and both ends hold the same, everything once."""
        self.relay.fate = lambda: WHOLE
        assert self.exchange() == 0, self.said()
        exactly_once(self.ground, self.data)

    def held_by_centre(self) -> int:
        """Entries of this hall that the centre holds."""
        rows = self.ground.centre_rows(
            "SELECT count(*) AS n FROM entry WHERE origin LIKE $1", f"%/node/{self.node}/%"
        )
        return int(rows[0]["n"])


@pytest.fixture
def far(ground: Ground, nursery: Nursery) -> Iterator[Far]:
    made = Far(ground, nursery, f"far-{next(_NUMBER)}")
    yield made
    made.relay.close()
    shutil.rmtree(made.data)


@pytest.mark.timeout(3600)
def test_a_line_of_200_bytes_a_second_and_30_second_round_trips_carries_a_days_entries(
    far: Far, pytestconfig: pytest.Config
) -> None:
    hurry = pytestconfig.getoption("--hurry")
    far.act("marks")
    slow = Fate(bytes_per_s=RATE_BYTES_PER_S * hurry, delay_s=ROUND_TRIP_S / 2 / hurry)
    far.relay.fate = lambda: slow
    before = far.relay.bytes_up
    assert far.exchange() == 0, far.said()
    assert far.relay.bytes_up - before > 1000
    exactly_once(far.ground, far.data)


@pytest.mark.timeout(600)
def test_a_batch_cut_at_every_byte_around_each_border_ends_whole_and_once(far: Far) -> None:
    far.act("marks")
    before = far.held_by_centre()
    for border, offset in itertools.product(BORDERS, AROUND):
        if border:  # whole frames of the batch before may have stayed there: several need new entries
            far.act("marks")
        far.relay.fate = partial(Fate, border=border, up_bytes=offset)
        assert far.exchange() == TROUBLE, far.said()
        held = far.held_by_centre()
        assert before <= held <= len(entries(far.data)), "whatever arrived is a part, not more"
    far.level()


def test_a_reply_cut_at_its_first_bytes_its_borders_and_its_last_ends_whole_and_once(far: Far) -> None:
    down = far.relay.bytes_down
    far.act("mark")
    assert far.exchange() == 0
    size = far.relay.bytes_down - down
    front = range(100, size // 2, size // 6)
    for at in [1, 12, *front, *(-byte for byte in reversed(front)), -2, -1]:
        far.act("mark")
        far.relay.fate = partial(Fate, of_batch=True, down_bytes=at)
        assert far.exchange() == TROUBLE, far.said()
    far.level()


@pytest.mark.parametrize(
    ("half", "arrives"),
    [(Fate(swallows_up=True), False), (Fate(swallows_down=True, of_batch=True), True)],
    ids=["swallows_up", "swallows_down"],
)
def test_a_half_open_line_is_given_up_on_and_nothing_is_taken_twice(
    far: Far, half: Fate, arrives: bool
) -> None:
    far.act("marks")
    settings = far.data / "settings.toml"
    settings.write_text(GIVES_UP + settings.read_text("utf-8"), encoding="utf-8")
    far.relay.fate = lambda: half
    for _ in range(2):
        assert far.exchange() == TROUBLE, far.said()
    assert (far.held_by_centre() > 600) == arrives, "lost on the way up, or only its reply"
    far.level()


def test_a_hall_under_load_over_a_line_that_flaps_ends_level_and_once(
    ground: Ground, nursery: Nursery, pytestconfig: pytest.Config
) -> None:
    dice, lock = Random(pytestconfig.getoption("--fault-seed")), threading.Lock()
    relay = Relay(ground.port, lambda: _drawn(dice, lock))
    settings = ground.hall / "settings.toml"
    whole = settings.read_text("utf-8")
    settings.write_text(whole.replace(ground.url, relay.url), encoding="utf-8")
    try:

        def calm(number: int) -> None:
            if number == LIVES:
                relay.fate = lambda: WHOLE

        killing = Killing(ground, nursery, pytestconfig.getoption("--fault-seed"))
        killing.run(LIVES, calm)
        assert relay.cuts, "the line was cut"
    finally:
        settings.write_text(whole, encoding="utf-8")
        relay.close()


def _drawn(dice: Random, lock: threading.Lock) -> Fate:
    """Half of the connections are whole, the others cut somewhere, late, or half-open."""
    with lock:
        kind = dice.randrange(8)
        if kind == 0:
            return Fate(up_bytes=dice.randrange(3000))
        if kind == 1:
            return Fate(down_bytes=dice.randrange(1, 3000))
        if kind == 2:
            return Fate(delay_s=dice.uniform(0.05, 0.4), bytes_per_s=20_000)
        if kind == 3:
            return Fate(swallows_up=dice.random() < 0.5, swallows_down=True)
        return WHOLE

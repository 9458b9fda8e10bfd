"""What a person practising sees of the twins, and what their hands may do; values only."""

import msgspec

from matters.model import Words


class Hand(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a hand can do to a twin: the act's name and what the button says."""

    act: str
    words: Words


class TwinSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One twin: the device of that name, what hands may do to it, and what lies on or in it now."""

    name: str
    kind: str
    hands: tuple[Hand, ...]
    now: Words


class TwinsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """All twins of a training node. `slip` is the last slip as it can be read, `sheets` how many came out."""

    twins: tuple[TwinSeen, ...]
    slip: tuple[str, ...]
    sheets: int

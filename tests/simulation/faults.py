"""The faults this world injects, in one table; what a seed really injected is counted by the state it fell into."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

Where = Literal["line", "node", "disk", "centre", "stick", "clock", "hostile"]
State = Literal["fresh", "level", "behind"]
"""What the node owed when the fault fell: nothing countersigned yet, nothing to send, something to send."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its name in counters and traces, where it falls, what happens. `weight` only for faults of the line."""

    name: str
    where: Where
    words: str
    weight: int = 0


# fmt: off
FAULTS: tuple[Fault, ...] = (
    Fault(name="line-down", where="line", words="every request fails at once, for a while"),
    Fault(name="request-lost", where="line", weight=3, words="the request never arrives"),
    Fault(name="request-cut", where="line", weight=4, words="part of the body arrives, then the connection ends"),
    Fault(name="part-kept", where="line", words="of a cut body the centre keeps the part, and stores its whole frames"),
    Fault(name="rest-follows", where="line", words="the rest of a cut batch leaves the node, in place of the whole"),
    Fault(name="request-altered", where="line", weight=1, words="one byte of the body is another"),
    Fault(name="request-twice", where="line", weight=2, words="the same request arrives twice"),
    Fault(name="request-late", where="line", weight=3, words="the node gives up, the request arrives later, out of order"),
    Fault(name="reply-lost", where="line", weight=4, words="the centre did its work, the node never hears"),
    Fault(name="reply-cut", where="line", weight=2, words="part of the reply arrives"),
    Fault(name="reply-altered", where="line", weight=1, words="one byte of the reply is another"),
    Fault(name="reply-old", where="line", weight=2, words="an older reply arrives instead"),
    Fault(name="slow", where="line", weight=2, words="minutes pass between request and reply"),
    Fault(name="suspended", where="line", weight=1, words="days pass between request and reply: leases end in the middle"),
    Fault(name="gateway", where="line", weight=1, words="something in between answers with a page of its own"),
    Fault(name="centre-crash", where="line", weight=4, words="the centre's process ends at one of its waits"),
    Fault(name="restart", where="node", words="the node is stopped and started in order"),
    Fault(name="power-at-wait", where="node", words="power cut at a wait; what was being written is durable"),
    Fault(name="power-early", where="node", words="power cut at a wait; what was being written is not durable"),
    Fault(name="power-at-commit", where="node", words="power cut after COMMIT, before anchor and release"),
    Fault(name="power-at-rest", where="node", words="power cut while nothing runs"),
    Fault(name="torn-log", where="disk", words="after the cut the write-ahead log ends in half-written frames"),
    Fault(name="torn-anchor", where="disk", words="after the cut the anchor line being written is garbled"),
    Fault(name="torn-page", where="disk", words="after the cut a page that was being copied from the log is half-written"),
    Fault(name="slow-disk", where="disk", words="every commit takes seconds to minutes, for a while"),
    Fault(name="disk-full", where="disk", words="the database may not grow any more, for a while"),
    Fault(name="image-with-anchor", where="disk", words="the whole folder is replaced by an older image"),
    Fault(name="image-of-database", where="disk", words="database and keys are of an older image, the anchor is not"),
    Fault(name="anchor-lost", where="disk", words="the anchor's file is gone when the node starts"),
    Fault(name="centre-restart", where="centre", words="the centre's connections are closed and opened anew"),
    Fault(name="centre-restored", where="centre", words="the centre's database is that of a backup; its anchor is not"),
    Fault(name="centre-restored-all", where="centre", words="the centre's database and anchor are those of a backup"),
    Fault(name="bureau-down", where="centre", words="the credit bureau does not answer"),
    Fault(name="data-changed", where="centre", words="a subject's records change and are published"),
    Fault(name="standby-promoted", where="centre", words="a standby that lags takes over; what the dead centre signed last still comes, on a stick"),
    Fault(name="centre-older", where="centre", words="the centre's program knows neither slim headers nor the dictionary, for a while"),
    Fault(name="letter-newer", where="centre", words="a letter of a kind that only a newer centre writes"),
    Fault(name="cache-spoilt", where="disk", words="a row of the cache is gone, another, or unreadable"),
    Fault(name="release-rolled-back", where="centre", words="an older release is shown in place of the newest"),
    Fault(name="release-frozen", where="centre", words="the same release is shown for ever, newer ones are not"),
    Fault(name="release-mixed", where="centre", words="the file of a pack is another pack"),
    Fault(name="trip-over", where="clock", words="the days of a bus's trip end while it is out"),
    Fault(name="trip-ended", where="centre", words="a trip is withdrawn from a bus before its time"),
    Fault(name="consent-withdrawn", where="centre", words="a subject withdraws consent to offline answers"),
    Fault(name="consent-given", where="centre", words="a subject gives it again"),
    Fault(name="grant-lost", where="line", words="the reply that brings a right granted ahead is lost"),
    Fault(name="grant-doubled", where="centre", words="a right granted ahead arrives twice"),
    Fault(name="grant-rolled-back", where="disk", words="rights were spent on a part of the disk that is lost"),
    Fault(name="files-broken-off", where="line", words="a run of report files ends in the middle"),
    Fault(name="stick-with-files", where="stick", words="report files are on a stick that is handed in, whole or spoilt, in time or late"),
    Fault(name="stick-lost", where="stick", words="an exported stick never arrives"),
    Fault(name="stick-late", where="stick", words="a stick arrives after newer ones"),
    Fault(name="stick-twice", where="stick", words="a stick is taken in twice"),
    Fault(name="stick-cut", where="stick", words="a file on the stick has lost its end"),
    Fault(name="stick-altered", where="stick", words="one byte of a file on the stick is another"),
    Fault(name="stick-pulled", where="stick", words="a stick was pulled while it was written: the last file is a part"),
    Fault(name="stick-fake", where="stick", words="a stick of fake capacity: from some byte on there are zeros"),
    Fault(name="stick-of-another", where="stick", words="the node gets the acknowledgement of another node"),
    Fault(name="clock-back", where="clock", words="the node's wall clock is set back hours, weeks or years"),
    Fault(name="clock-1970", where="clock", words="the node's wall clock begins anew in 1970"),
    Fault(name="clock-drift", where="clock", words="the node's wall clock runs some per cent fast or slow"),
    Fault(name="clock-ahead", where="clock", words="the node's wall clock is set ahead hours, weeks or years"),
    Fault(name="batch-bomb", where="hostile", words="a batch whose frames or header promise more than anybody may hold"),
    Fault(name="batch-deep", where="hostile", words="a batch whose header nests arrays without end"),
    Fault(name="batch-replayed", where="hostile", words="a batch of long ago, signed for today"),
    Fault(name="batch-of-another", where="hostile", words="a batch of one node under the signature of another, or for another centre"),
    Fault(name="batch-to-old-key", where="hostile", words="a batch sealed to a key the centre no longer has"),
    Fault(name="revoked-before-data", where="centre", words="the centre revokes the node while entries wait there"),
    Fault(name="revoked-with-data", where="centre", words="the centre revokes the node while a batch of it arrives"),
    Fault(name="revoked-after-data", where="centre", words="the centre revokes the node when it is level"),
    Fault(name="lying-fsync", where="disk", words="a power cut loses what the disk had promised to keep"),
    Fault(name="bit-flip", where="disk", words="a bit of the database flips while the node is off"),
    Fault(name="two-clones", where="disk", words="two machines run from copies of one disk"),
    Fault(name="disk-lost", where="disk", words="the disk is gone; an empty machine takes the node's place"),
    Fault(name="stick-of-older-life", where="stick", words="an acknowledgement of an ended incarnation comes back"),
    Fault(name="batch-of-older-life", where="hostile", words="a batch of an ended incarnation arrives"),
    Fault(name="days-pass", where="clock", words="hours to days pass without contact"),
    Fault(name="weeks-pass", where="clock", words="the machine is suspended for weeks"),
    Fault(name="entry-strange", where="hostile", words="entries of a newer kind, and with a detail that is none"),
)
# fmt: on
BY_NAME = {fault.name: fault for fault in FAULTS}
ON_THE_LINE = tuple(fault for fault in FAULTS if fault.weight)

Coverage = Counter[tuple[str, str]]
"""How often each (fault, state) was injected."""


def table(coverage: Coverage, seeds: int, broken: Counter[str] | None = None) -> str:
    """The counters as the README's table; `broken` counts the worlds with a violation in which a fault had fallen."""
    rows = [
        f"{seeds} seeds",
        "",
        "| fault | what happens | fresh | level | behind | violations |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for fault in FAULTS:
        counts = " | ".join(str(coverage[fault.name, state]) for state in ("fresh", "level", "behind"))
        rows.append(f"| {fault.name} | {fault.words} | {counts} | {(broken or Counter())[fault.name]} |")
    return "\n".join(rows)


def never(coverage: Coverage, names: Iterable[str] = BY_NAME) -> list[str]:
    """Faults that were never injected."""
    return [name for name in names if not any(count for (one, _), count in coverage.items() if one == name)]

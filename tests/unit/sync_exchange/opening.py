"""Opening batches, whole and in pieces."""

import hashlib

from sync.batch.file import (
    Incoming,
    build_up,
)
from sync.batch.header import Header, header_length, sign_header
from sync.ledger.entry import Row
from sync.signing.keys import SigningKey
from tests.unit.sync_exchange.world import CENTRE, START_MS, SUBJECT_KEY, Centre, enrolled

HALL_AND_CENTRE = enrolled(9)
SMALL = build_up(HALL_AND_CENTRE[0], 0, 9, START_MS)


def opened(data: bytes, centre: Centre, **how) -> Incoming:
    return Incoming(data, centre.sealing_key, centre.public_of, destination=CENTRE, **how)


def rows_of(data: bytes, centre: Centre, **how) -> list[Row]:
    return [row for frame in opened(data, centre, **how).frames(SUBJECT_KEY) for row in frame.rows]


def resealed(header: Header, rest: bytes, key: SigningKey) -> bytes:
    """A file with another signed header over the same frames, its trailer made to fit."""
    body = sign_header(header, key) + rest
    return body + hashlib.sha256(body).digest()


def split(data: bytes) -> tuple[bytes, bytes]:
    """The signed header with its length, and everything between it and the trailer."""
    end = 8 + header_length(data[:8])
    return data[:end], data[end:-32]

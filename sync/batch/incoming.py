"""A received batch: checked in the order of the file, given out frame by frame.

    1  whole files: the trailer, before anything is parsed
    2  limits of the header's length; the sender's signature over the header
    3  destination; the checkpoint's own signature by the same origin
    4  our copy of the content key and salt epochs
    5  each frame: seal (place, order, end), columns, indexes, leaves, range proof to the signed root
"""

import hashlib
import hmac
import io
from collections.abc import Callable, Iterator

from sync.batch.frames import BLOB, LENGTH, Frame, Keys, Place, open_frame, proven, unpack_rows
from sync.batch.header import (
    BLOB_FRAME_BYTES,
    LENGTH_BYTES,
    MAGIC,
    Header,
    PublicKeyOf,
    header_length,
    open_content,
    parse_header,
)
from sync.batch.view import SaltEpoch
from sync.codec.squeeze import bounded
from sync.errors import LimitExceeded, Malformed, WrongDestination, WrongOrigin
from sync.ledger.proofs import EMPTY_ROOT
from sync.limits import LIMITS
from sync.signing.keys import SealingKey
from sync.signing.notes import Checkpoint, open_note

TRAILER_BYTES = 32
MESSAGE_BYTES_MAX = 8 * 1024 * 1024
"""Largest sealed message."""
Read = Callable[[int], bytes]
"""Like a file's `read`: up to that many bytes, empty at the end."""


class Incoming:
    """A batch addressed to us. Construction checks steps 1 to 4; `frames` or `payload` does the rest once.

    Raises SyncError only: Malformed, LimitExceeded, BadSignature, UnknownVersion, WrongDestination, NotForUs,
    InconsistentProof. What `frames` has given out is proven and may be used even if a later frame fails.
    """

    def __init__(
        self, data: bytes, key: SealingKey, public_of: PublicKeyOf, *, destination: str, prefix: bool = False
    ) -> None:
        """Over bytes in memory; `prefix` accepts a file whose end was lost, as far as its frames are whole."""
        if len(data) > LIMITS.batch_bytes:
            raise LimitExceeded(f"batch of {len(data)} bytes")
        if not prefix:
            _check_trailer(data)
        self._start(io.BytesIO(data).read, key, public_of, destination, prefix=prefix)

    @classmethod
    def from_stream(
        cls, read: Read, key: SealingKey, public_of: PublicKeyOf, *, destination: str, prefix: bool = False
    ) -> "Incoming":
        """Over a file of any size with flat memory: the trailer is checked at the end, after the last frame."""
        self = cls.__new__(cls)
        self._start(read, key, public_of, destination, prefix=prefix)
        return self

    def _start(
        self, read: Read, key: SealingKey, public_of: PublicKeyOf, destination: str, *, prefix: bool
    ) -> None:
        self._read, self._prefix = read, prefix
        self._hash = hashlib.sha256()
        size = header_length(head := self._take(len(MAGIC) + LENGTH_BYTES))
        opened = parse_header(head + self._take(size), public_of)
        self.header: Header = opened.header
        self._bound = opened.bound
        if self.header.destination != destination:
            raise WrongDestination(f"batch for {self.header.destination}")
        self.checkpoint = checkpoint_of(self.header, public_of)
        self._content_key, self._epochs = open_content(self.header, key)
        self.complete = False
        """True once the last frame and the trailer were read and fit."""

    def frames(self, subject_key: bytes) -> Iterator[Frame]:
        """The entries, frame by frame, each proven against `checkpoint`; `subject_key` is the jurisdiction's.

        With `prefix` a cut file simply ends early and `complete` stays False.
        """
        if self.header.kind not in {"up", "reconcile"}:
            raise WrongOrigin(f"a batch of kind {self.header.kind} holds no entries")
        for place, sealed in self._places():
            codec, packed, proof = open_frame(place, self._content_key, sealed)
            keys = Keys(salt=epoch_key(self._epochs, place.first), subject=subject_key)
            rows = unpack_rows(codec, packed, place.first, place.count, keys)
            yield proven(place, rows, proof, self.checkpoint)

    def payload(self) -> bytes:
        """The message of a sealed batch, whole."""
        if self.header.kind in {"up", "reconcile"} or self.header.end > MESSAGE_BYTES_MAX:
            raise LimitExceeded(f"a batch of kind {self.header.kind} with {self.header.end} bytes")
        return b"".join(self._piece(place, sealed) for place, sealed in self._places())

    def _piece(self, place: Place, sealed: bytes) -> bytes:
        codec, packed, proof = open_frame(place, self._content_key, sealed)
        piece = bounded(packed, BLOB_FRAME_BYTES)
        if codec != BLOB or proof or len(piece) != place.count:
            raise Malformed(f"frame {place.number} is no part of a message")
        return piece

    def _places(self) -> Iterator[tuple[Place, bytes]]:
        """Every frame's place and sealed bytes, then the trailer."""
        last = self.header.frames - 1
        try:
            for number, (first, count) in enumerate(self.header.pieces()):
                place = Place(bound=self._bound, number=number, first=first, count=count, last=number == last)
                yield place, self._take(self._frame_length())
            self._finish()
        except _Cut:
            if not self._prefix:
                raise

    def _frame_length(self) -> int:
        size: int = LENGTH.unpack(self._take(LENGTH.size))[0]
        if size > LIMITS.frame_bytes:
            raise LimitExceeded(f"frame of {size} bytes")
        return size

    def _finish(self) -> None:
        found = self._hash.digest()
        if not hmac.compare_digest(self._take(TRAILER_BYTES), found) or self._read(1):
            raise Malformed("batch does not match its trailer")
        self.complete = True

    def _take(self, size: int) -> bytes:
        """Exactly `size` bytes; a stream may give them in parts."""
        parts: list[bytes] = []
        left = size
        while left and (part := self._read(left)):
            parts.append(part)
            left -= len(part)
        if left:
            raise _Cut("batch is cut")
        taken = b"".join(parts)
        self._hash.update(taken)
        return taken


class _Cut(Malformed):
    """The file ended before it should."""


def checkpoint_of(header: Header, public_of: PublicKeyOf) -> Checkpoint:
    """The signed checkpoint a header offers; an empty note stands for the empty ledger.

    Raises BadSignature, WrongOrigin, or Malformed when entries lie beyond it.
    """
    if not header.checkpoint:
        if header.kind in {"up", "reconcile"} and (header.end or header.old_size):
            raise Malformed("entries without a checkpoint")
        return Checkpoint(origin=header.origin, size=0, root=EMPTY_ROOT, signers=())
    public = public_of(header.origin)
    checkpoint = open_note(header.checkpoint, {header.origin: public} if public else {})
    if checkpoint.origin != header.origin:
        raise WrongOrigin(f"checkpoint of {checkpoint.origin} in a batch of {header.origin}")
    if header.end > checkpoint.size:
        raise Malformed(f"entries to {header.end} under a checkpoint of {checkpoint.size}")
    return checkpoint


def epoch_key(epochs: tuple[SaltEpoch, ...], index: int) -> bytes:
    """The salt key in force at entry `index`. Raises Malformed when there is none."""
    held = [epoch for epoch in epochs if epoch.first <= index]
    if not held:
        raise Malformed(f"no salt key for entry {index}")
    return max(held, key=lambda epoch: epoch.first).key


def _check_trailer(data: bytes) -> None:
    body = memoryview(data)[: max(0, len(data) - TRAILER_BYTES)]
    if len(data) < TRAILER_BYTES or not hmac.compare_digest(hashlib.sha256(body).digest(), data[-TRAILER_BYTES:]):
        raise Malformed("batch does not match its trailer")

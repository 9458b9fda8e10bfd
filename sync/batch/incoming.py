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
from collections.abc import Callable, Iterable, Iterator

from sync.batch.frames import LENGTH, Frame, Place, open_frame, proven
from sync.batch.header import (
    BLOB_FRAME_BYTES,
    CODEC_COLUMNS,
    CODEC_ZSTD,
    LENGTH_BYTES,
    MAGIC,
    SCHEMA,
    SLIM,
    Header,
    PublicKeyOf,
    header_length,
    open_content,
    parse_header,
)
from sync.batch.range_proof import implied
from sync.batch.view import SaltEpoch
from sync.codec.columns import unpack_frame
from sync.codec.rows import FrameContext
from sync.codec.squeeze import bounded, check_dictionary
from sync.errors import LimitExceeded, Malformed, UnknownVersion, WrongDestination, WrongOrigin
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

    Raises SyncError only: Malformed, LimitExceeded, BadSignature, UnknownVersion, MissingDictionary,
    WrongDestination, NotForUs, InconsistentProof. What `frames` has given out is proven and may be used even
    if a later frame fails.
    """

    def __init__(
        self, data: bytes, key: SealingKey, public_of: PublicKeyOf, *, destination: str, prefix: bool = False
    ) -> None:
        """Over bytes in memory; `prefix` accepts a file whose end was lost, as far as frames are whole."""
        if len(data) > LIMITS.batch_bytes:
            raise LimitExceeded(f"batch of {len(data)} bytes")
        if not prefix:
            _check_trailer(data)
        self._start(io.BytesIO(data).read, key, public_of, destination, prefix=prefix)

    @classmethod
    def from_stream(
        cls, read: Read, key: SealingKey, public_of: PublicKeyOf, *, destination: str, prefix: bool = False
    ) -> "Incoming":
        """Over a file of any size with flat memory: the trailer is checked after the last frame."""
        self = cls.__new__(cls)
        self._start(read, key, public_of, destination, prefix=prefix)
        return self

    def _start(
        self, read: Read, key: SealingKey, public_of: PublicKeyOf, destination: str, *, prefix: bool
    ) -> None:
        self._read, self._prefix, self._cut = read, prefix, False
        self._hash = hashlib.sha256()
        size = header_length(head := self._take(len(MAGIC) + LENGTH_BYTES))
        opened = parse_header(head + self._take(size), public_of)
        self.header: Header = opened.header
        self._bound = opened.bound
        wanted = CODEC_COLUMNS if self.header.holds_entries else CODEC_ZSTD
        if self.header.codec != wanted or self.header.schema != SCHEMA:
            raise UnknownVersion(f"batch codec {self.header.codec}, schema {self.header.schema}")
        check_dictionary(self.header.dictionary)
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
        if not self.header.holds_entries:
            raise WrongOrigin(f"a batch of kind {self.header.kind} holds no entries")
        context = frame_context(self._epochs, subject_key, self.header.dictionary)
        implied = b"".join(implied_proof(self.header, self.checkpoint.size))
        for place, sealed in self._places():
            packed, proof = open_frame(place, self._content_key, sealed)
            yield proven(place, unpack_frame(packed, context), proof or implied, self.checkpoint)

    def payload(self) -> bytes:
        """The message of a sealed batch, whole."""
        if self.header.holds_entries or self.header.end > MESSAGE_BYTES_MAX:
            raise LimitExceeded(f"a batch of kind {self.header.kind} with {self.header.end} bytes")
        return b"".join(self._piece(place, sealed) for place, sealed in self._places())

    def _piece(self, place: Place, sealed: bytes) -> bytes:
        packed, proof = open_frame(place, self._content_key, sealed)
        piece = bounded(packed, BLOB_FRAME_BYTES)
        if proof or len(piece) != place.count:
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
        except Malformed:
            if not (self._prefix and self._cut):
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
            self._cut = True
            raise Malformed("batch is cut")
        taken = b"".join(parts)
        self._hash.update(taken)
        return taken


def checkpoint_of(header: Header, public_of: PublicKeyOf) -> Checkpoint:
    """The signed checkpoint a header offers; an empty note stands for the empty ledger.

    Raises BadSignature, WrongOrigin, or Malformed when entries lie beyond it.
    """
    if not header.checkpoint:
        if header.holds_entries and (header.end or header.old_size):
            raise Malformed("entries without a checkpoint")
        return Checkpoint(origin=header.origin, size=0, root=EMPTY_ROOT, signers=())
    public = public_of(header.origin)
    checkpoint = open_note(header.checkpoint, {header.origin: public} if public else {})
    if checkpoint.origin != header.origin:
        raise WrongOrigin(f"checkpoint of {checkpoint.origin} in a batch of {header.origin}")
    if header.end > checkpoint.size:
        raise Malformed(f"entries to {header.end} under a checkpoint of {checkpoint.size}")
    return checkpoint


def frame_context(epochs: Iterable[SaltEpoch], subject_key: bytes, dictionary: int) -> FrameContext:
    """What both ends derive columns from."""
    keys = tuple((epoch.first, epoch.key) for epoch in epochs)
    return FrameContext(subject_key=subject_key, salt_keys=keys, dictionary=dictionary)


def implied_proof(header: Header, size: int) -> list[bytes]:
    """The range proof that the only frame of a SLIM batch up to the checkpoint's `size` may leave out."""
    if header.version != SLIM or header.frames != 1 or header.end != size:
        return []
    return implied(header.consistency, header.start, size)


def _check_trailer(data: bytes) -> None:
    body = memoryview(data)[: max(0, len(data) - TRAILER_BYTES)]
    if not hmac.compare_digest(hashlib.sha256(body).digest(), data[-TRAILER_BYTES:]):
        raise Malformed("batch does not match its trailer")

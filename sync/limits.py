"""Every limit of sync in one place, with its unit in its name; checked before parsing."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds for what may be read or written; reaching one raises `LimitExceeded`."""

    header_bytes: int = 64 * 1024
    """Batch header, COSE message or note, whole."""
    signed_bytes: int = 1024 * 1024
    """Payload under one COSE signature (a release may list many packs)."""
    frame_entries: int = 256
    """Entries in one frame: one tile of leaves."""
    frame_output_bytes: int = 1024 * 1024
    """Leaves and details of one frame, rebuilt; also the decompressed columns."""
    frame_bytes: int = 1024 * 1024 + 4096
    """One frame as it travels, compressed and sealed."""
    frames: int = 4096
    """Frames in one batch."""
    batch_entries: int = 65536
    """Entries in one batch."""
    batch_bytes: int = 256 * 1024 * 1024
    """One batch file."""
    depth: int = 8
    """Nesting of CBOR arrays."""
    leaf_bytes: int = 4096
    """One leaf."""
    detail_bytes: int = 512 * 1024
    """One detail (a report's facts are the largest)."""
    detail_fields: int = 64
    """Fields of a detail that the columnar codec transposes; longer ones travel whole."""
    proof_hashes: int = 130
    """Hashes in one tree proof (two paths of a tree of 2^64)."""
    note_bytes: int = 16 * 1024
    """One signed note."""
    note_signatures: int = 16
    """Signature lines of one note."""
    ledger_entries: int = 2**48
    """Size of one ledger."""
    recipients: int = 8
    """Recipients of one batch."""
    request_skew_ms: int = 10 * 60 * 1000
    """How far a request's clock may differ from ours."""


LIMITS = Limits()

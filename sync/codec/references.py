"""Subject references of a frame: derived from the detail where they can be, else named by how recently seen.

Most entries carry the subject's number in their detail, and the receiver holds the key of the jurisdiction:
the reference costs nothing. An entry without (a report printed, handed over) speaks of a subject seen
shortly before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.codec.rows import FrameContext
from sync.codec.stream import ColumnReader, ColumnWriter
from sync.errors import Malformed

_NONE = -1
_DERIVED, _NOBODY, _FRESH, _RECENT = range(4)
_RECENT_MAX = 250
_FIELDS_MAX = 64

_Keys = Sequence[tuple[int, int]]


class _Subjects:
    """References in the order they were seen, and how they are derived."""

    def __init__(self, context: FrameContext) -> None:
        self.seen: list[bytes] = []
        self._reference = context.reference

    def derive(self, values: list[Any], source: int) -> bytes | None:
        """The reference of field `source`, or None where there is no such text."""
        text = values[source] if 0 <= source < len(values) else None
        return self._reference(text) if type(text) is str else None

    def recent(self) -> list[bytes]:
        """Each one seen, the last seen first."""
        return list(dict.fromkeys(reversed(self.seen)))


def write_references(
    writer: ColumnWriter, references: list[bytes], keys: _Keys, fields: list[list[Any]], context: FrameContext
) -> None:
    """Write one reference a row: for each group the field it derives from, then what does not derive."""
    subjects = _Subjects(context)
    sources: dict[tuple[int, int], int] = {}
    for reference, group, values in zip(references, keys, fields, strict=True):
        if sources.setdefault(group, _NONE) == _NONE and reference:
            sources[group] = _source(subjects, reference, values)
    writer.mark(*sources.values())
    codes: list[int] = []
    fresh: list[bytes] = []
    for reference, group, values in zip(references, keys, fields, strict=True):
        code = _code(subjects, reference, values, sources[group])
        codes.append(code)
        if code == _FRESH:
            fresh.append(reference)
        if code != _NOBODY:
            subjects.seen.append(reference)
    writer.mark(len(fresh), *fresh)
    writer.add_bytes(bytes(codes))


def read_references(
    reader: ColumnReader, keys: _Keys, fields: list[list[Any]], context: FrameContext
) -> list[bytes]:
    """The references back; raises `Malformed`."""
    subjects = _Subjects(context)
    sources = {group: reader.number(_NONE, _FIELDS_MAX) for group in dict.fromkeys(keys)}
    fresh = iter([reader.mark() for _ in range(reader.number(0, len(keys)))])
    references: list[bytes] = []
    for code, group, values in zip(reader.take_bytes(len(keys)), keys, fields, strict=True):
        if code == _NOBODY:
            references.append(b"")
            continue
        if code == _DERIVED:
            reference = subjects.derive(values, sources[group])
        elif code == _FRESH:
            reference = next(fresh, None)
        else:
            reference = next(iter(subjects.recent()[code - _RECENT :]), None)
        if type(reference) is not bytes:
            raise Malformed("a subject reference that stands for nothing")
        subjects.seen.append(reference)
        references.append(reference)
    return references


def _source(subjects: _Subjects, reference: bytes, values: list[Any]) -> int:
    """The first field the reference derives from."""
    for place in range(len(values)):
        if subjects.derive(values, place) == reference:
            return place
    return _NONE


def _code(subjects: _Subjects, reference: bytes, values: list[Any], source: int) -> int:
    if not reference:
        return _NOBODY
    if subjects.derive(values, source) == reference:
        return _DERIVED
    recent = subjects.recent()[:_RECENT_MAX]
    return _RECENT + recent.index(reference) if reference in recent else _FRESH

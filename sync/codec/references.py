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
from sync.ids import subject_ref

_NONE = -1
_DERIVED, _NOBODY, _FRESH, _RECENT = range(4)
_RECENT_MAX = 250
_FIELDS_MAX = 64

_Keys = Sequence[tuple[int, int]]
_Values = Sequence[list[Any]]


def write_references(
    writer: ColumnWriter, references: list[bytes], keys: _Keys, fields: _Values, context: FrameContext
) -> None:
    """Write one reference a row: for each group the field it derives from, then what does not derive."""
    sources: dict[tuple[int, int], int] = {}
    for reference, group, values in zip(references, keys, fields, strict=True):
        if sources.setdefault(group, _NONE) == _NONE and reference:
            sources[group] = _source(reference, values, context)
    writer.mark(*sources.values())
    derived = _derived(keys, fields, sources, context)
    codes = bytearray()
    fresh: list[bytes] = []
    seen: list[bytes] = []
    for reference, same in zip(references, derived, strict=True):
        if not reference:
            codes.append(_NOBODY)
            continue
        code = _DERIVED if reference == same else _code(reference, seen)
        codes.append(code)
        if code == _FRESH:
            fresh.append(reference)
        seen.append(reference)
    writer.mark(len(fresh), *fresh)
    writer.add_bytes(bytes(codes))


def read_references(reader: ColumnReader, keys: _Keys, fields: _Values, context: FrameContext) -> list[bytes]:
    """The references back; raises `Malformed`."""
    sources = {group: reader.number(_NONE, _FIELDS_MAX) for group in dict.fromkeys(keys)}
    derived = _derived(keys, fields, sources, context)
    fresh = iter([reader.mark() for _ in range(reader.number(0, len(keys)))])
    references: list[bytes] = []
    seen: list[bytes] = []
    for code, same in zip(reader.take_bytes(len(keys)), derived, strict=True):
        if code == _NOBODY:
            references.append(b"")
            continue
        if code == _DERIVED:
            reference = same
        elif code == _FRESH:
            reference = next(fresh, None)
        else:
            reference = next(iter(_recent(seen)[code - _RECENT :]), None)
        if type(reference) is not bytes:
            raise Malformed("a subject reference that stands for nothing")
        seen.append(reference)
        references.append(reference)
    return references


def _derived(
    keys: _Keys, fields: _Values, sources: dict[tuple[int, int], int], context: FrameContext
) -> list[bytes | None]:
    """The reference that derives from each row's source, or None where there is no such text."""
    return [_derive(values, sources[group], context) for group, values in zip(keys, fields, strict=True)]


def _derive(values: list[Any], source: int, context: FrameContext) -> bytes | None:
    text = values[source] if 0 <= source < len(values) else None
    return subject_ref(context.subject_key, text) if type(text) is str else None


def _source(reference: bytes, values: list[Any], context: FrameContext) -> int:
    """The first field the reference derives from."""
    places = (place for place in range(len(values)) if _derive(values, place, context) == reference)
    return next(places, _NONE)


def _code(reference: bytes, seen: list[bytes]) -> int:
    """How a reference is named that does not derive."""
    recent = _recent(seen)[:_RECENT_MAX]
    return _RECENT + recent.index(reference) if reference in recent else _FRESH


def _recent(seen: list[bytes]) -> list[bytes]:
    """Each one seen, the last seen first."""
    return list(dict.fromkeys(reversed(seen)))

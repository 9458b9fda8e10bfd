"""Rows of an import file one by one, with their line numbers: CSV, JSONL, Parquet.

A line that is no row is given out as a Reject, never raised; only a file that is not what it should be is
refused.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from central.errors import FileRefused
from matters.importing import HEADER, Reject, check_header
from matters.model import Words

LINE_CHARACTERS_MAX = 64 * 1024
_READ_BYTES = 1024 * 1024
_PARQUET_ROWS = 2000

Row = Mapping[str, str] | Reject
Numbered = tuple[int, Row]


class RowFile:
    """An opened import file: `rows` in order, `done` of `total` (bytes; rows for Parquet) so far."""

    def __init__(self, path: Path) -> None:
        """Raises FileRefused for a file that cannot be read, an unknown kind, or a wrong header."""
        self.done = 0
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            raise FileRefused(
                f"不支持的文件类型 {path.suffix or '（无扩展名）'}，请使用 .csv、.jsonl 或 .parquet。",
                f"unknown kind of file {path.suffix!r}: use .csv, .jsonl or .parquet",
            )
        try:
            self.total = path.stat().st_size
            self.rows = reader(self, path)
        except (OSError, UnicodeError) as error:
            raise FileRefused(f"读不到文件 {path.name}。", f"cannot read {path.name}") from error

    def csv_rows(self, path: Path) -> Iterator[Numbered]:
        """Rows of a CSV file in UTF-8, with or without BOM."""
        # Bytes that are no UTF-8 become lone surrogates and are refused line by line, not with the whole
        # file.
        raw = path.open("rb")
        lines = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(self._counted(lines, raw))
        header = [name.strip() for name in next(reader, [])]
        try:
            check(header)
        except FileRefused:
            lines.close()
            raise
        return self._csv_rows(reader, header)

    def _csv_rows(self, reader: Any, header: list[str]) -> Iterator[Numbered]:
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield reader.line_num, _reject("unreadable", "这一行不是有效的 CSV", "not a line of CSV")
                continue
            if cells:
                yield reader.line_num, _csv_row(header, cells)

    def _counted(self, lines: io.TextIOWrapper, raw: BinaryIO) -> Iterator[str]:
        with lines:
            for line in lines:
                self.done = raw.tell()
                yield line

    def json_rows(self, path: Path) -> Iterator[Numbered]:
        """Rows of a JSONL file: an object a line, texts as values; absent columns are empty."""
        return self._json_rows(path)

    def _json_rows(self, path: Path) -> Iterator[Numbered]:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                self.done += len(line)
                if line.strip():
                    yield number, _json_row(line)

    def parquet_rows(self, path: Path) -> Iterator[Numbered]:
        """Rows of a Parquet file; its columns are those of the CSV header, values as text or empty."""
        from pyarrow import ArrowInvalid, parquet  # a heavy library, only where it is wanted

        try:
            opened = parquet.ParquetFile(path)
        except ArrowInvalid as error:
            raise FileRefused(
                f"{path.name} 不是 Parquet 文件。", f"{path.name} is no Parquet file"
            ) from error
        check(opened.schema_arrow.names)
        self.total = opened.metadata.num_rows
        return self._parquet_rows(opened)

    def _parquet_rows(self, opened: Any) -> Iterator[Numbered]:
        number = 0
        for part in opened.iter_batches(batch_size=_PARQUET_ROWS):
            for row in part.to_pylist():
                number += 1
                self.done = number
                yield number, {name: _cell(value) for name, value in row.items()}


_READERS = {
    ".csv": RowFile.csv_rows,
    ".jsonl": RowFile.json_rows,
    ".ndjson": RowFile.json_rows,
    ".parquet": RowFile.parquet_rows,
}


def check(header: list[str]) -> None:
    """Raise FileRefused naming the columns when a header is not the one that is wanted."""
    wrong = check_header(header)
    if wrong is not None:
        raise FileRefused(
            f"表头不对：{wrong.reason.zh}应有的列：{', '.join(HEADER)}。",
            f"wrong header: {wrong.reason.en} Columns wanted: {', '.join(HEADER)}",
        )


def digest(path: Path) -> bytes:
    """SHA-256 of a file: the name of its import. Raises FileRefused when it cannot be read."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as content:
            while part := content.read(_READ_BYTES):
                whole.update(part)
    except OSError as error:
        raise FileRefused(f"读不到文件 {path.name}。", f"cannot read {path.name}") from error
    return whole.digest()


def _csv_row(header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        zh = f"应有 {len(header)} 列，现为 {len(cells)} 列"
        return _reject("column-count", zh, f"{len(header)} cells wanted, {len(cells)} found")
    if not all(map(_utf8, cells)):
        return _reject("not-utf8", "这一行不是 UTF-8 编码", "the line is not UTF-8")
    return dict(zip(header, cells, strict=True))


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_row(line: bytes) -> Row:
    if len(line) > LINE_CHARACTERS_MAX:
        return _reject("too-long", "这一行过长", "the line is too long")
    try:
        values = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _reject("unreadable", "这一行不是 JSON 对象", "the line is no JSON object")
    strange = sorted(set(values) - set(HEADER))
    if strange:
        return _reject("unknown-column", f"多余的列：{len(strange)} 个", f"{len(strange)} unknown columns")
    return dict.fromkeys(HEADER, "") | {name: _cell(value) for name, value in values.items()}


def _cell(value: Any) -> Any:
    """A value as the text a CSV cell would hold.

    What is neither text, nothing nor an object stays and is refused.
    """
    if value is None:
        return ""
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value


def _reject(code: str, zh: str, en: str) -> Reject:
    return Reject(code=code, column="", reason=Words(zh=f"{zh}。", en=f"{en}."))

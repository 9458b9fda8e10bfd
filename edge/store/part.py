"""The beginning of a file that arrives over several contacts: kept until the rest of it is there.

Named by the file's own SHA-256 and sealed in itself: it needs no key here, and at its end it proves itself.
"""

from pathlib import Path

from edge.errors import LedgerUnavailable

FOLDER = "parts"
PARTS_MAX = 2
"""Beginnings kept at most; the one that waited longest goes."""


class Part:
    """What is there of the file with this digest; a power cut may take it, then it is fetched anew."""

    def __init__(self, data: Path, digest: bytes) -> None:
        self._path = data / FOLDER / digest.hex()
        self.had = self._path.stat().st_size if self._path.exists() else 0
        """Bytes that are there."""
        self.came = 0
        """Bytes that arrived since it was opened, those that count no more included."""

    def restart(self) -> None:
        """What was there counts no more."""
        self._path.unlink(missing_ok=True)
        self.had = 0

    def take(self, piece: bytes) -> None:
        """Append a piece. Raises LedgerUnavailable when the disk does not take it."""
        try:
            if not self.had:
                self._begin()
            with self._path.open("ab") as file:
                file.write(piece)
        except OSError as error:
            raise LedgerUnavailable(f"{FOLDER}: {error.strerror}") from error
        self.had += len(piece)
        self.came += len(piece)

    def _begin(self) -> None:
        folder = self._path.parent
        folder.mkdir(exist_ok=True, mode=0o700)
        others = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in others[: max(0, len(others) - PARTS_MAX + 1)]:
            old.unlink()

    def finish(self) -> bytes:
        """All bytes that are there, no part any more; who opens them compares their digest."""
        content = self._path.read_bytes() if self.had else b""
        self.restart()
        return content

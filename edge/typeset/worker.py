"""The worker process: reads one job at a time from standard input, writes one document to standard output.

    job     length (4 bytes, big endian) · JSON {"paper": {…}, "token": "…", "issued_s": n}
    reply   verdict (1 byte: 0 document, 1 failure) · length (4 bytes) · PDF bytes, or words without any text
            of the job (they may reach a log)

Typst keeps what it laid out, so memory grows with every document; the process ends after COMPILES_MAX and its
owner starts another. It imports nothing of ours but the coverage of fonts.
"""

import io
import json
import re
import struct
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import segno
import typst

from edge.typeset import coverage

COMPILES_MAX = 200
"""Documents one process may set (memory reached 144 MB on small reports and then stayed)."""

JOB_BYTES_MAX = 4 * 1024 * 1024
TEMPLATE = Path(__file__).with_name("report.typ")


class Press:
    """Typst with its fonts, and what they can draw."""

    def __init__(self, fonts: list[Path]) -> None:
        folders = sorted({str(path.parent) for path in fonts})
        found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        self._compiler = typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=found)
        self._coverage = coverage.of_fonts(fonts)

    def document(self, job: dict[str, Any]) -> bytes:
        """The PDF/A-2u of a job. Raises typst.TypstError when the template cannot be set."""
        missing: set[str] = set()
        paper = self._legible(job["paper"], missing)
        paper["missing"] = [f"U+{ord(character):04X}" for character in sorted(missing)]
        paper["qr"] = _qr(job["token"])
        made = self._compiler.compile(
            format="pdf",
            pdf_standards=["a-2u"],
            timestamp=datetime.fromtimestamp(job["issued_s"], UTC),
            sys_inputs={"paper": json.dumps(paper, ensure_ascii=False, sort_keys=True)},
        )
        assert isinstance(made, bytes)
        return made

    def _legible(self, value: Any, missing: set[str]) -> Any:
        """`value` with every text in it made drawable; what had to be replaced is added to `missing`."""
        match value:
            case str():
                text, lost = self._coverage.legible(value)
                missing |= lost
                return text
            case dict():
                return {name: self._legible(part, missing) for name, part in value.items()}
            case list():
                return [self._legible(part, missing) for part in value]
            case _:
                return value


def _qr(token: str) -> str:
    out = io.BytesIO()
    # A fixed mask: trying all eight costs more than setting the whole page, and any mask decodes.
    segno.make(token, error="m", micro=False, boost_error=False, mask=3).save(
        out, kind="svg", border=0, xmldecl=False, omitsize=True
    )
    return out.getvalue().decode()


def _place(error: typst.TypstError) -> str:
    """Where in the template it failed; never the text that was being set."""
    found = re.search(r"report\.typ:(\d+)", error.diagnostic)
    return f"typst refused the sheet at line {found[1] if found else '?'}"


def _reply(out: BinaryIO, verdict: int, payload: bytes) -> None:
    out.write(struct.pack(">BI", verdict, len(payload)) + payload)
    out.flush()


def main() -> None:
    """Serve up to COMPILES_MAX jobs, or until standard input ends. Arguments: the font files."""
    press = Press([Path(name) for name in sys.argv[1:]])
    for _ in range(COMPILES_MAX):
        head = sys.stdin.buffer.read(4)
        if len(head) < struct.calcsize(">I"):
            return
        (length,) = struct.unpack(">I", head)
        assert length <= JOB_BYTES_MAX, "the owner limits jobs"
        job = json.loads(sys.stdin.buffer.read(length))
        try:
            _reply(sys.stdout.buffer, 0, press.document(job))
        except typst.TypstError as error:
            _reply(sys.stdout.buffer, 1, _place(error).encode())


if __name__ == "__main__":
    main()

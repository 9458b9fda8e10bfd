"""What one slip printer can do, as its test page showed: the one place where paper widths stand. Pure."""

from typing import Final, Literal

import msgspec

Columns = Literal[48, 32]
COLUMN_DOTS: Final = 12
PAPER_MM: Final[dict[Columns, int]] = {48: 80, 32: 58}
"""Columns of 12 dots at 203 dpi, and the roll they fit on: 72 mm printable of 80, 48 of 58."""


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults are a printer of 80 mm that can do everything.

    `chinese`: GB18030 behind FS & prints what a ROM of GBK holds; without it every such line is drawn.
    `raster`: dots (GS v 0); without them a rare character is its code point. `qr`: the order GS ( k; without
    it the code is drawn. `cut`: a knife; without it paper is fed out to be torn.
    """

    columns: Columns = 48
    chinese: bool = True
    raster: bool = True
    qr: bool = True
    cut: bool = True

    @property
    def dots(self) -> int:
        """Dots across the printable width."""
        return self.columns * COLUMN_DOTS

    @property
    def legible(self) -> bool:
        """Whether Chinese can be read at all on what it prints."""
        return self.chinese or self.raster

    @property
    def codes(self) -> bool:
        """Whether a QR code can be on its paper, by its own order or drawn."""
        return self.qr or self.raster

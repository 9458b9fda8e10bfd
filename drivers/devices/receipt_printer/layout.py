"""Text on paper of 48 or 32 columns: widths as a receipt printer prints them, and wrapping. Pure.

An ASCII character takes one column (12 dots), any other two (24 dots): whatever a printer's ROM holds as a
two-byte character is that wide, even where a screen would show it narrow (· — “ ”).
"""

import unicodedata
from functools import lru_cache
from typing import Final

NOT_FIRST: Final = frozenset("，。、；：？！）》」』】〉％”’")
ASCII_END: Final = 0x7F
WIDE: Final = 2
SAME_LOOK: Final = str.maketrans("•‧・¥‑\u00a0", "···￥- ")


def clean(text: str) -> str:
    """One line without control characters: a name must not be able to command the printer.

    Marks that GBK writes with a twin of the same look (• as ·) are replaced by it.
    """
    text = text.translate(SAME_LOOK)
    if text.isprintable():
        return text
    spaced = "".join(" " if unicodedata.category(mark) == "Cc" else mark for mark in text)
    return "".join(mark for mark in spaced if unicodedata.category(mark) not in {"Cf", "Cs"})


@lru_cache(maxsize=8192)
def is_rare(mark: str) -> bool:
    """Whether a printer's ROM cannot be trusted to hold the character: everything outside GBK."""
    if ord(mark) < ASCII_END:
        return False
    try:
        mark.encode("gbk")
    except UnicodeEncodeError:
        return True
    return False


@lru_cache(maxsize=8192)
def cell_width(mark: str) -> int:
    """Columns one character takes: 0 for a combining mark, 1 for ASCII, else 2."""
    if ord(mark) < ASCII_END:
        return 1
    return 0 if unicodedata.category(mark) in {"Mn", "Me"} else WIDE


def width(text: str) -> int:
    """Columns a text takes in single size."""
    return sum(map(cell_width, text))


def wrap(text: str, columns: int) -> list[str]:
    """Lines of at most `columns` columns; nothing is lost but the spaces at the breaks.

    Breaks before a word that does not fit, between any two Chinese characters, and inside a word only when it
    alone is longer than a line. A closing mark does not begin a line: the character before it comes along.
    """
    lines = [""]
    used = 0
    for piece in _pieces(clean(text)):
        wide = width(piece)
        if used + wide <= columns:
            lines[-1] += piece
            used += wide
        elif piece != " ":
            _break(lines, piece, columns)
            used = width(lines[-1])
    return [line.rstrip() for line in lines]


def _break(lines: list[str], piece: str, columns: int) -> None:
    """Begin a new line with `piece`, taking characters along while it would begin with a closing mark."""
    before = lines[-1].rstrip()
    while piece[0] in NOT_FIRST and width(before) > columns // 2 and cell_width(before[-1]) == WIDE:
        before, piece = before[:-1], before[-1] + piece
    lines[-1] = before
    if before:
        lines.append("")
    for mark in piece:
        if width(lines[-1]) + cell_width(mark) > columns:
            lines.append("")
        lines[-1] += mark


def _pieces(text: str) -> list[str]:
    """Spaces and wide characters one by one; runs of narrow characters as words."""
    pieces: list[str] = []
    in_word = False
    for mark in text:
        alone = mark == " " or cell_width(mark) == WIDE
        if in_word and not alone:
            pieces[-1] += mark
        else:
            pieces.append(mark)
        in_word = not alone
    return pieces

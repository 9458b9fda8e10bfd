"""Many rows put into a table by ONE statement: they come as one value, which SQL takes apart.

    value = head* cell*     a head for each row, then the bytes of all cells
    head  = 20 digits a column: a number; or where its bytes begin (10, from 1; 0: NULL) and how many (10)

A statement for each row costs 20 µs of memory that SQLCipher locks, wipes and unlocks, anew for each value;
and between two of them Python's own lock goes from hand to hand, for which every other thread has to stop.
"""

from collections.abc import Sequence
from functools import cache

from edge.store.cipher import Connection

Cell = int | bytes | None
FEW = 10
"""Up to so many rows are put one by one: taking a value apart costs 0.2 ms before the first row."""
_WIDTH = 20
_NULL = b"%20d" % 0


def insert(connection: Connection, into: str, rows: Sequence[Sequence[Cell]]) -> None:
    """Put rows, in their order, where `into` says ("INSERT … INTO table (columns)").

    A column holds numbers, none of them NULL, or bytes.
    """
    if len(rows) <= FEW:
        connection.executemany(f"{into} VALUES ({','.join('?' * (into.count(',') + 1))})", rows)
        return
    statement = _statement(into, tuple(isinstance(cell, int) for cell in rows[0]))
    connection.execute(statement, (_in_one(rows), f"[{'0,' * (len(rows) - 1)}0]"))


@cache
def _statement(into: str, numbers: tuple[bool, ...]) -> str:
    cells = ", ".join(
        (_NUMBER if number else _BYTES).format(at=f"head + {_WIDTH * place}")
        for place, number in enumerate(numbers)
    )
    heads = f"SELECT key * {_WIDTH * len(numbers)} + 1 AS head FROM json_each(?2)"  # noqa: S608 -- a number
    return f"{into} SELECT {cells} FROM ({heads})"  # noqa: S608 -- `into` is the caller's own text


_NUMBER = "CAST(substr(?1, {at}, 20) AS INTEGER)"
_BYTES = (
    "substr(?1, nullif(CAST(substr(?1, {at}, 10) AS INTEGER), 0), CAST(substr(?1, {at} + 10, 10) AS INTEGER))"
)


def _in_one(rows: Sequence[Sequence[Cell]]) -> bytes:
    heads, cells = list[bytes](), list[bytes]()
    begin = 1 + _WIDTH * len(rows) * len(rows[0])
    for row in rows:
        for cell in row:
            if cell is None:
                heads.append(_NULL)
            elif isinstance(cell, int):
                heads.append(b"%20d" % cell)
            else:
                heads.append(b"%10d%10d" % (begin, len(cell)))
                cells.append(cell)
                begin += len(cell)
    return b"".join(heads + cells)

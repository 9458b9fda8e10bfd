"""Numbered sheets as inventory: blocks issued to a window, counted down, every number used once or named.

A sheet is taken from its block in the transaction that hands its report to a printer, so that after a power
cut the question names it. It comes back when nothing came out, else it is good, spoiled or void for ever.
Where a hall has no blocks its paper is not numbered, and a number is a note of the clerk.
"""

import re
import secrets
from collections import Counter
from typing import Final

import msgspec

from edge.actions import duties
from edge.actions.node import Node, Session
from edge.errors import NotThere, Refused, WrongMoment
from edge.store.draft import Draft
from edge.store.ledger import during
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.model import Words
from sync.ledger.entry import read_leaf
from sync.messages import registry

BLOCK_SHEETS_MAX: Final = 10_000
REASON_MIN: Final = 2
REASON_MAX: Final = 200
SHOWN_MAX: Final = 20
_NUMBER: Final = re.compile(r"^([A-Z0-9-]{0,16}?)(\d{1,12})$")


class SheetBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One block as the journal shows it: `left` are untouched, `gaps` were passed over without a word."""

    id: str
    first: str
    last: str
    window: str
    state: str
    next: str
    left: int
    good: int
    spoiled: int
    void: int
    out: int
    gaps: tuple[str, ...]
    issued_ms: int


class _Block(msgspec.Struct, frozen=True):
    id: str
    prefix: str
    digits: int
    first: int
    last: int
    window: str
    state: str
    issued_ms: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def number(self, position: int) -> str:
        return f"{self.prefix}{position:0{self.digits}d}"


_COLUMNS = "id, prefix, digits, first, last, window, state, issued_ms"


async def issue(node: Node, session: Session, first: str, last: str, window: str) -> str:
    """Issue the sheets `first` … `last` to a window ("" for all); the entry is durable when this returns.

    For those on duty. Raises NotAllowed, Refused (no such numbers, over 10,000, already issued).
    """
    await duties.require(node, session, duties.SHEETS)
    block = _parse(first, last, window)
    if window and window not in node.settings.windows:
        raise Refused("no such window", message=Words(zh="没有这个窗口。", en="There is no such window."))

    def keep(tx: Transaction) -> str:
        clash = tx.one(
            "SELECT 1 FROM sheet_block WHERE prefix = ? AND digits = ? AND first <= ? AND last >= ?",
            (block.prefix, block.digits, block.last, block.first),
        )
        if clash:
            raise Refused("issued before", message=_ISSUED, step=_COMPARE)
        row = (*msgspec.structs.astuple(block)[:7], tx.now_ms, session.staff)
        tx.execute("INSERT INTO sheet_block VALUES (?,?,?,?,?,?,?,?,?)", row)
        tx.append(_entry(session, block, "issued", block.size))
        return block.id

    made = await node.store.transact(keep)
    node.events.publish("print")
    return made


async def give_back(node: Node, session: Session, block_id: str) -> None:
    """Take a block back: no more sheets come from it, its entry says how many were left untouched.

    For those on duty. Raises NotAllowed, NotThere, WrongMoment (a sheet of it is in a printer, or one was
    passed over without a word).
    """
    await duties.require(node, session, duties.SHEETS)

    def close(tx: Transaction) -> None:
        block = next((one for one in _blocks(tx, "WHERE id = ?", (block_id,))), None)
        if block is None or block.state != "open":
            raise NotThere("no such open block")
        if tx.one("SELECT 1 FROM sheet WHERE block = ? AND state = 'out'", (block_id,)):
            raise WrongMoment("a sheet is out", message=_OUT, step=_ANSWER)
        if _gaps(tx, block):
            raise WrongMoment("a sheet was passed over", message=_PASSED, step=_SAY)
        left = block.last - _top(tx, block)
        tx.execute("UPDATE sheet_block SET state = 'returned' WHERE id = ?", (block_id,))
        tx.append(_entry(session, block, "returned", left))

    await node.store.transact(close)
    node.events.publish("print")


async def void(node: Node, session: Session, number: str, reason: str) -> None:
    """A sheet that no report will be on (torn, used for a test, lost), with its reason.

    Raises NotThere (no open block of this window has it), Refused (no reason), WrongMoment (already used).
    """
    reason = reasoned(reason)[:REASON_MAX]

    def keep(tx: Transaction) -> None:
        found = _find(tx, number.strip(), session.window, anywhere=duties.on_duty(session))
        if found is None:
            raise NotThere("no such sheet", message=_NOT_OURS, step=_COMPARE)
        block, position = found
        _take(tx, block, position, "void", "", reason)
        one = msgspec.structs.replace(block, first=position, last=position)
        tx.append(_entry(session, one, "void", 1, reason))

    await node.store.transact(keep)
    node.events.publish("print")


async def blocks(node: Node) -> tuple[SheetBlock, ...]:
    """Open blocks first, then the newest returned ones, at most 20."""
    return await node.store.read(
        lambda db: tuple(
            _view(db, block)
            for block in _blocks(db, f"ORDER BY (state <> 'open'), issued_ms DESC LIMIT {SHOWN_MAX}", ())
        )
    )


def reasoned(reason: str) -> str:
    """The reason a person gave for paper that is lost or printed again. Raises Refused for none."""
    if len(reason.strip()) < REASON_MIN:
        raise Refused("no reason", message=_REASON)
    return reason.strip()


def take_next(tx: Transaction, window: str, job: str) -> str:
    """The next sheet of the window's block goes into the printer for a job; "" where there is no block.

    A job that holds a sheet keeps it.
    """
    held = tx.one("SELECT number FROM sheet WHERE job = ? AND state = 'out'", (job,))
    if held:
        return str(held[0])
    for block in _blocks(tx, _OPEN_OF, (window,)):
        position = _top(tx, block) + 1
        if position <= block.last:
            _take(tx, block, position, "out", job, "")
            return block.number(position)
    return ""


def put_back(tx: Transaction, job: str) -> None:
    """Nothing came out: the sheet lies in the tray as before."""
    tx.execute("DELETE FROM sheet WHERE job = ? AND state = 'out'", (job,))


def settle(tx: Transaction, window: str, job: str, number: str, state: str, reason: str) -> str:
    """The clerk says which sheet it was and how it is (good, spoiled); its number.

    Without a number it is the sheet the job holds. Raises Refused where the hall has blocks and the number is
    of none of this window's, WrongMoment when it was used before.
    """
    held = tx.one("SELECT number FROM sheet WHERE job = ? AND state = 'out'", (job,))
    number = number.strip() or (str(held[0]) if held else "")
    put_back(tx, job)
    found = _find(tx, number, window, anywhere=False) if number else None
    if found is not None:
        _take(tx, found[0], found[1], state, job, reason)
        return found[0].number(found[1])
    if number and _blocks(tx, _OPEN_OF, (window,)):
        raise Refused("not a sheet of this window", message=_NOT_OURS, step=_COMPARE)
    return number


def unaccounted(tx: Transaction) -> list[str]:
    """Numbers passed over in open blocks: later sheets were used, of these nobody said anything."""
    return [number for block in _blocks(tx, "WHERE state = 'open'", ()) for number in _gaps(tx, block)]


def moved(db: Reading | Transaction, span: tuple[int, int]) -> Counter[str]:
    """Sheets issued, returned and void in a time (ms, end excluded), by the ledger's own entries."""
    counts: Counter[str] = Counter()
    row = registry.kind("sheets.moved").number
    for leaf, detail in db.query(during("SELECT leaf, detail FROM during WHERE kind = ?"), (*span, row)):
        count = registry.decode_detail(row, detail)["count"]
        counts[read_leaf(leaf)[0].outcome] += count if isinstance(count, int) else 0
    return counts


def untouched(db: Reading | Transaction) -> int:
    """Sheets that still lie in the trays, of all open blocks."""
    return sum(block.last - _top(db, block) for block in _blocks(db, "WHERE state = 'open'", ()))


_OPEN_OF = "WHERE state = 'open' AND window IN ('', ?) ORDER BY (window = ''), issued_ms, id"


def _blocks(db: Reading | Transaction, which: str, bound: tuple[str, ...]) -> list[_Block]:
    return [_Block(*row) for row in db.query(f"SELECT {_COLUMNS} FROM sheet_block {which}", bound)]  # noqa: S608 -- constant clauses


def _top(db: Reading | Transaction, block: _Block) -> int:
    """The last position taken; sheets lie in the tray in order."""
    row = db.one("SELECT max(position) FROM sheet WHERE block = ?", (block.id,))
    return int(row[0]) if row and row[0] is not None else block.first - 1


def _gaps(db: Reading | Transaction, block: _Block) -> list[str]:
    taken = {int(row[0]) for row in db.query("SELECT position FROM sheet WHERE block = ?", (block.id,))}
    passed = range(block.first, _top(db, block))
    return [block.number(position) for position in passed if position not in taken]


def _view(db: Reading, block: _Block) -> SheetBlock:
    counts = dict(db.query("SELECT state, count(*) FROM sheet WHERE block = ? GROUP BY state", (block.id,)))
    top = _top(db, block)
    return SheetBlock(
        id=block.id,
        first=block.number(block.first),
        last=block.number(block.last),
        window=block.window,
        state=block.state,
        next=block.number(top + 1) if top < block.last else "",
        left=block.last - top,
        good=counts.get("good", 0),
        spoiled=counts.get("spoiled", 0),
        void=counts.get("void", 0),
        out=counts.get("out", 0),
        gaps=tuple(_gaps(db, block)[:SHOWN_MAX]),
        issued_ms=block.issued_ms,
    )


def _find(tx: Transaction, number: str, window: str, *, anywhere: bool) -> tuple[_Block, int] | None:
    """The open block a number belongs to, and its place there."""
    found = _NUMBER.match(number)
    if found is None:
        return None
    blocks = _blocks(tx, "WHERE state = 'open'", ()) if anywhere else _blocks(tx, _OPEN_OF, (window,))
    for block in blocks:
        tail = number.removeprefix(block.prefix)
        fits = number.startswith(block.prefix) and tail.isdigit() and len(tail) == block.digits
        if fits and block.first <= int(tail) <= block.last:
            return block, int(tail)
    return None


def _take(tx: Transaction, block: _Block, position: int, state: str, job: str, reason: str) -> None:
    """A sheet is used once. Raises WrongMoment."""
    used = tx.one("SELECT 1 FROM sheet WHERE block = ? AND position = ?", (block.id, position))
    if used:
        raise WrongMoment("sheet used before", message=_USED, step=_COMPARE)
    tx.execute(
        "INSERT INTO sheet VALUES (?,?,?,?,?,?,?)",
        (block.id, position, block.number(position), state, job, reason, tx.now_ms),
    )


def _parse(first: str, last: str, window: str) -> _Block:
    """A block of two numbers with the same letters and as many digits. Raises Refused."""
    one, two = _NUMBER.match(first.strip().upper()), _NUMBER.match(last.strip().upper())
    same = one and two and one[1] == two[1] and len(one[2]) == len(two[2])
    if not (one and two and same) or not 0 <= int(two[2]) - int(one[2]) < BLOCK_SHEETS_MAX:
        raise Refused("no block of sheets", message=_NO_BLOCK, step=_COMPARE)
    return _Block(
        f"b-{secrets.token_hex(4)}", one[1], len(one[2]), int(one[2]), int(two[2]), window, "open", 0
    )


def _entry(session: Session, block: _Block, outcome: str, count: int, note: str = "") -> Draft:
    return Draft(
        kind="sheets.moved",
        actor=session.staff,
        role=session.role,
        window=block.window,
        outcome=outcome,
        object=block.id,
        detail={
            "first": block.number(block.first),
            "last": block.number(block.last),
            "note": note,
            "count": count,
        },
    )


_REASON = Words(zh="请写明原因（至少两个字）。", en="Give the reason, two characters or more.")
_COMPARE = Words(zh="请核对纸张上印的编号。", en="Compare with the number printed on the sheet.")
_ANSWER = Words(zh="请先在打印台账回答这张纸的情况。", en="Answer for that sheet in the print journal first.")
_ISSUED = Words(
    zh="这些编号已经领用过，一个编号只能领用一次。",
    en="These numbers were issued before; each is issued once.",
)
_OUT = Words(zh="号段里有一张纸还在打印机里。", en="A sheet of this block is still in a printer.")
_PASSED = Words(
    zh="号段里有跳过而没有说明的纸张。", en="Sheets of this block were passed over without a word."
)
_SAY = Words(
    zh="请先逐张作废并写明原因，找不到的写“遗失”。",
    en="Void each with its reason first; a lost one is “lost”.",
)
_NOT_OURS = Words(
    zh="该编号不在本窗口领用的号段内。", en="This number is of no block that was issued to this window."
)
_USED = Words(zh="该编号的纸张已经用过。", en="The sheet of this number was used before.")
_NO_BLOCK = Words(
    zh="起止编号应字母相同、位数相同、先小后大，一次不超过 10000 张。",
    en="First and last need the same letters and digits, in order, at most 10,000 sheets.",
)

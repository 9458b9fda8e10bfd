"""What the hall's slip printers can do: a page is printed, a person answers, slips are laid out by it (G18).

An answer belongs to a device's name and address: another printer in its place starts anew as the plain one
its address describes.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from drivers.devices.receipt_printer import testpage
from drivers.devices.receipt_printer.abilities import PAPER_MM, Abilities
from drivers.devices.receipt_printer.protocol import PLAIN
from drivers.errors import NotThisDevice
from drivers.wires.address import parse_address
from edge.actions import duties
from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.errors import NotThere, Refused
from edge.hall.hall import DeviceStatus
from edge.settings import DeviceSetting
from edge.store.transaction import Transaction
from matters.model import Words

_FACT: Final = "printer:"
KIND: Final = "receipt_printer"


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it is kept."""

    address: str
    able: Abilities


class PrinterSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One slip printer: what it can do, by parts of the test page (`well`), and whether somebody said so."""

    status: DeviceStatus
    able: Abilities
    paper_mm: int
    well: frozenset[str]
    answered: bool
    may: bool


async def look(node: Node, session: Session) -> tuple[PrinterSeen, ...]:
    """The hall's slip printers, those of this person's window first."""
    if node.hall is None:
        return ()
    statuses = {one.name: one for one in node.hall.status()}
    seen = []
    for device in node.devices:
        if device.kind == KIND:
            kept = await _kept(node, device)
            able = kept or _plain(device)
            one = PrinterSeen(
                status=statuses[device.name],
                able=able,
                paper_mm=PAPER_MM[able.columns],
                well=testpage.well(able),
                answered=kept is not None,
                may=duties.may_touch(session, device.window),
            )
            seen.append(one)
    return tuple(sorted(seen, key=lambda one: one.status.window != session.window))


async def able(node: Node, name: str) -> Abilities:
    """What a configured slip printer can do: as answered, else as its address says."""
    device = _device(node, name)
    return await _kept(node, device) or _plain(device)


async def answer(node: Node, session: Session, name: str, good: Collection[str]) -> None:
    """Keep which parts of the test page came out well; answer and entry are durable when this returns.

    For who may test the device. Raises NotThere, NotAllowed (durable on the ledger), Refused for a printer on
    which Chinese cannot be read at all.
    """
    device = _device(node, name)
    await duties.touches(node, session, device.window)
    found = testpage.abilities(good)
    if not found.legible:
        raise Refused("prints no Chinese", message=_ILLEGIBLE, step=_ANOTHER)

    def keep(tx: Transaction) -> None:
        tx.note(_FACT + name, Answered(address=device.address, able=found))
        said = " ".join(sorted(testpage.well(found)))
        tx.append(mark(session, "printer-answered", KIND, window=device.window, note=said))

    await node.store.transact(keep)


async def _kept(node: Node, device: DeviceSetting) -> Abilities | None:
    rows = await node.store.read(
        lambda db: db.query("SELECT value FROM fact WHERE name = ?", (_FACT + device.name,))
    )
    if not rows:
        return None
    kept = msgspec.json.decode(rows[0][0], type=Answered)
    return kept.able if kept.address == device.address else None


def _plain(device: DeviceSetting) -> Abilities:
    try:
        columns = parse_address(device.address).number("columns", PLAIN.columns)
    except NotThisDevice:  # such a printer never opens; its state says why
        return PLAIN
    return Abilities(columns=32 if columns == 32 else 48)  # noqa: PLR2004 -- the paper's own number


def _device(node: Node, name: str) -> DeviceSetting:
    found = next((one for one in node.devices if one.name == name and one.kind == KIND), None)
    if found is None:
        raise NotThere("no such slip printer")
    return found


_ILLEGIBLE = Words(
    zh="这台打印机既没有中文字库也不能打点阵，打不出看得懂的回执。",
    en="This printer has neither Chinese nor dots: no slip of it could be read.",
)
_ANOTHER = Words(
    zh="请换一台打印机，回执暂由其他窗口打印。", en="Use another printer; slips go to another window."
)

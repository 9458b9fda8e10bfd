"""Sticks between the halls and the centre: exported, lost, late, twice, cut; and what comes back on them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec

from central.actions import courier as central_courier
from central.actions.centre import Centre, operator
from central.errors import NotFound
from edge.actions import courier
from edge.errors import CourierRefused
from sync.errors import SyncError
from tests.simulation.hall import Hall
from tests.simulation.line import altered, cut

STICKS_MAX = 12
Leaving = Callable[[bytes], None]
Replied = Callable[[bytes], Awaitable[None]]


class Stick(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one stick: names and bytes, in order; `taken` once it was at its destination."""

    files: tuple[tuple[str, bytes], ...]
    taken: bool = False

    @property
    def with_files(self) -> bool:
        """Whether chunks of report files are on it."""
        return any("-file-" in name for name, _ in self.files)


class Drawer:
    """The sticks of one hall: those on the way up and those on the way back, oldest first."""

    def __init__(self, hall: Hall, folder: Path, leaving: Leaving, replied: Replied) -> None:
        self.hall = hall
        self._leaving, self._replied = leaving, replied
        self.up: list[Stick] = []
        self.back: list[Stick] = []
        self._folder = folder
        self._count = 0

    def _new(self) -> Path:
        self._count += 1
        place = self._folder / f"{self.hall.name}-stick-{self._count}"
        place.mkdir()
        return place

    def lay(self, stick: Stick) -> list[Path]:
        """A stick with these files in a folder of its own."""
        place = self._new()
        for name, content in stick.files:
            (place / name).write_bytes(content)
        return sorted(place.iterdir())

    async def export(self) -> str:
        """The node writes a stick."""
        place = self._new()
        made = await courier.export(self.hall.node, place)
        stick = _read(place)
        for _, batch in stick.files:
            self._leaving(batch)
        self.up = [*self.up, stick][-STICKS_MAX:]
        return f"exported {made['entries']} entries in {len(made['files'])} files"

    async def hand_in(self, centre: Centre, number: int, spoil: str, dice: Random) -> str:
        """The centre takes a stick in, spoiled or whole, and writes the way back."""
        stick = self.up[number]
        paths = self.lay(_spoiled(stick, spoil, dice))
        system = operator("system")
        taken = await central_courier.import_files(centre, system, paths)
        self.up[number] = msgspec.structs.replace(stick, taken=True)
        codes = [one.code or "ok" for one in taken]
        if spoil:
            return f"handed in {spoil}: {codes}"
        name = self.hall.origin.split("/")[2]
        place = self._new()
        try:
            await central_courier.export(centre, system, name, place)
        except (NotFound, SyncError) as error:
            return f"handed in {codes}, nothing to take back: {error}"
        back = _read(place)
        for file, content in back.files:
            if file == f"centre-{name}{central_courier.SUFFIX}":
                await self._replied(content)
        self.back = [*self.back, back][-STICKS_MAX:]
        return f"handed in {codes}"

    async def bring_back(self, stick: Stick) -> str:
        """The node takes in what came back."""
        paths = self.lay(stick)
        try:
            summary = await courier.import_files(self.hall.node, paths)
        except CourierRefused as error:
            return f"brought back: refused, {error.detail}"
        return f"brought back: acknowledged {summary.acknowledged}, pending {summary.pending}"


def _read(place: Path) -> Stick:
    return Stick(files=tuple((path.name, path.read_bytes()) for path in sorted(place.iterdir())))


def _spoiled(stick: Stick, spoil: str, dice: Random) -> Stick:
    """The stick with one file ruined as `spoil` says; whole where it names nothing of RUINS."""
    ruin = RUINS.get(spoil)
    if ruin is None:
        return stick
    at = len(stick.files) - 1 if spoil == "stick-pulled" else dice.randrange(len(stick.files))
    files = list(stick.files)
    name, content = files[at]
    files[at] = (f"{name}.part" if spoil == "stick-pulled" else name, ruin(content, dice))
    return Stick(files=tuple(files))


def _zeroed(content: bytes, dice: Random) -> bytes:
    kept = cut(content, dice)
    return kept + bytes(len(content) - len(kept))


RUINS: dict[str, Callable[[bytes, Random], bytes]] = {
    "stick-cut": cut,
    "stick-altered": altered,
    "stick-pulled": cut,
    "stick-fake": _zeroed,
}
"""What becomes of one file on a stick, by fault."""

"""The twin of a bus of caller and rating pads: keys to press, displays to read.

python -m drivers.devices.caller_keys.virtual --link PATH [--control PORT]

{"do": "press", "pad": 1, "key": "call"}   {"do": "rate", "pad": 1, "grade": 3}   {"do": "state"}
{"do": "fault", "name": "flipped"}   {"do": "clear"}   {"do": "unplug"}   {"do": "plug"}
"""

from pathlib import Path
from typing import Any

from drivers.devices.caller_keys import protocol
from drivers.devices.caller_keys.protocol import Message, Messages
from drivers.wires.control import run_on_tty
from drivers.wires.twin_line import OnItsLine, SpeakingLine

BEEPS_MAX = 1000


class VirtualPads(OnItsLine):
    """Pads on one bus. `shown` is what each display says; `acknowledged` counts the host's echoes per pad."""

    def __init__(self, *, link: Path | None = None) -> None:
        self.line = SpeakingLine(self._heard, link)
        self.shown: dict[int, str] = {}
        self.beeps: list[int] = []
        self.asked: list[int] = []
        self.acknowledged: dict[int, int] = {}
        self._messages = Messages()
        self._unanswered: list[bytes] = []

    def press(self, key: str, pad: int = 1) -> None:
        """Press a key of the clerk's pad by its action. Raises ValueError for a key the pad has not."""
        data = next((data for data, (action, _) in protocol.KEYS.items() if action == key), None)
        if data is None:
            raise ValueError(f"no key {key!r}")
        self._send(Message(pad, protocol.CMD_KEY, data))

    def rate(self, grade: int, pad: int = 1) -> None:
        """Press one of the citizen's four keys, 0 … 3. Raises ValueError."""
        if grade not in protocol.GRADES:
            raise ValueError(f"no grade {grade!r}")
        self._send(Message(pad, protocol.CMD_RATED, bytes((grade,))))

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        shown = {str(pad): text for pad, text in self.shown.items()}
        return {**self.line.state(), "shown": shown, "beeps": len(self.beeps), "asked": self.asked[-1:]}

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "press", "key": str(key)}:
                self.press(key, int(order.get("pad", 1)))
            case {"do": "rate", "grade": int(grade)}:
                self.rate(grade, int(order.get("pad", 1)))
            case _:
                self.line.play(order)
        return self.state()

    def _send(self, message: Message) -> None:
        self._unanswered.append(protocol.acknowledgement(message))
        del self._unanswered[:-BEEPS_MAX]
        self.line.say(protocol.frame(message))

    def _heard(self, chunk: bytes) -> None:
        for message in self._messages.feed(chunk):
            if isinstance(message, Message):
                self._obey(message)

    def _obey(self, message: Message) -> None:
        if protocol.frame(message) in self._unanswered:
            self._unanswered.remove(protocol.frame(message))
            self.acknowledged[message.pad] = self.acknowledged.get(message.pad, 0) + 1
        elif message.command == protocol.CMD_SHOW:
            self.shown[message.pad] = "".join(" " if digit > 9 else str(digit) for digit in message.data)  # noqa: PLR2004
        elif message.command == protocol.CMD_BEEP:
            self.beeps.append(message.pad)
            del self.beeps[:-BEEPS_MAX]
        elif message.data == b"\x0b":
            self.asked.append(message.pad)
            del self.asked[:-BEEPS_MAX]


if __name__ == "__main__":
    run_on_tty("Virtual caller and rating pads on a pseudo-terminal.", lambda link: VirtualPads(link=link))

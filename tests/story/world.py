"""The stage of the story: one centre, one hall, one bus, their devices' twins, and the line between them."""

import json
import secrets
from pathlib import Path
from typing import Any

from tests.story.clients import Clerk
from tests.story.line import Line
from tests.story.programs import Program, Twin, command, free_port, fresh

AUTHORITY = "qingzhou.example"
HALL_REGION = "330102"
BUS_REGION = "330104"
ROUTE = ("330104001", "330104002")
STAFF = (
    ("hall", "li.min", "李敏", "clerk", "public-credit,credit-bureau,duty"),
    ("hall", "sun.tao", "孙涛", "clerk", "residence-permit"),
    ("hall", "wu.yue", "吴越", "hall-manager", "public-credit,credit-bureau"),
    ("bus", "zhao.qin", "赵琴", "clerk", "public-credit,credit-bureau,duty"),
)


class Place:
    """One node with its reader and printer twins."""

    def __init__(self, world: "World", key: str, name: str, kind: str) -> None:
        self.world, self.key, self.name, self.kind = world, key, name, kind
        self.folder = world.folder / key
        self.data = self.folder / "data"
        self.slips = self.folder / "slips"
        self.port, self.reader_port, self.printer_port = free_port(), free_port(), free_port()
        self.line = Line(world.centre_port)
        self.node = ""
        self.url = f"http://127.0.0.1:{self.port}"
        self.reader = Twin(self.reader_port)
        self.clerk = Clerk(self.url, self.reader)
        self.program: Program | None = None

    @property
    def centre_url(self) -> str:
        """The centre as this node reaches it: through its line."""
        return f"http://127.0.0.1:{self.line.port}"

    def plug_in(self) -> None:
        """Start the twins and tell the node's settings where they are."""
        tty = self.folder / "reader.tty"
        self.slips.mkdir(parents=True, exist_ok=True)
        start = self.world.start
        start(
            f"{self.key}-reader",
            ["drivers.devices.resident_id.virtual", "--link", str(tty), "--control", str(self.reader_port)],
        )
        start(
            f"{self.key}-printer",
            [
                "drivers.devices.receipt_printer.virtual",
                "--port",
                str(self.printer_port),
                "--out",
                str(self.slips),
            ],
        )
        with (self.data / "settings.toml").open("a", encoding="utf-8") as settings:
            settings.write(_device("身份证阅读机", "id_reader", f"serial:{tty}?baud=115200"))
            settings.write(_device("热敏打印机", "receipt_printer", f"tcp:127.0.0.1:{self.printer_port}"))

    def serve(self) -> None:
        """Start the node and wait until it is ready."""
        words = ["edge", "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        self.program = self.world.start(f"{self.key}-edge", words)
        self.program.wait_for(self.url + "/livez")

    def edge(self, verb: str, *more: str, expect: int = 0) -> Any:
        """Run one `edge` command on this node's data."""
        return command("edge", verb, "--data", str(self.data), *more, expect=expect)

    def papers(self) -> list[str]:
        """Every slip the printer's twin cut, as text, oldest first."""
        return [path.read_text(encoding="utf-8") for path in sorted(self.slips.glob("*.txt"))]


class World:
    """Owns every process and folder of one run; `close()` ends them all."""

    def __init__(self, folder: Path, people: int = 25_000) -> None:
        self.folder = fresh(folder.resolve())
        self.people = people
        self.centre_data = self.folder / "centre"
        self.centre_port, self.bureau_port = free_port(), free_port()
        self.centre_url = f"http://127.0.0.1:{self.centre_port}"
        self.programs: list[Program] = []
        self.passwords: dict[str, str] = {}
        self.hall = Place(self, "hall", "清河县市民之家", "hall")
        self.bus = Place(self, "bus", "流动车 07", "bus")

    def start(self, name: str, words: list[str]) -> Program:
        """Start a program that `close()` will end."""
        program = Program(name, words, self.folder / "logs" / f"{name}.log")
        self.programs.append(program)
        return program

    def central(self, *words: str, expect: int = 0) -> Any:
        """Run one `central` command on the centre's data, e.g. central("node", "create", "--name", …)."""
        verbs = [word for word in words[:2] if not word.startswith("-") and "/" not in word]
        return command(
            "central", *verbs, "--data", str(self.centre_data), *words[len(verbs) :], expect=expect
        )

    def write_staff(self) -> list[Path]:
        """One staff file a place, each clerk with a password made now."""
        paths = []
        for place in (self.hall, self.bus):
            rows = ["staff,name,role,permits,password"]
            for key, staff, name, role, permits in STAFF:
                if key == place.key:
                    self.passwords[staff] = "yizhan-" + secrets.token_hex(8)
                    rows.append(f'{staff},{name},{role},"{permits}",{self.passwords[staff]}')
            paths.append(self.folder / f"staff-{place.key}.csv")
            paths[-1].write_text("\n".join(rows) + "\n", encoding="utf-8")
        return paths

    def close(self) -> None:
        """End every process, newest first, and the lines."""
        for program in reversed(self.programs):
            program.stop()
        for place in (self.hall, self.bus):
            place.line.close()

    def write(self, name: str, value: Any) -> Path:
        """Write a JSON document into the run's folder."""
        path = self.folder / name
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
        return path


def _device(name: str, kind: str, address: str) -> str:
    return f'\n[[devices]]\nname = "{name}"\nkind = "{kind}"\naddress = "{address}"\n'

"""The ten lines in drivers/README.md are run as they stand, against twins at the addresses they name."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from tests.unit.drivers.samples import CITIZEN

pytestmark = pytest.mark.rig

README = Path(__file__).parents[2] / "drivers" / "README.md"


async def test_g17_the_library_is_used_without_the_rest_as_its_readme_says():
    [example] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    reader, printer = VirtualReader(), VirtualPrinter()
    await reader.start()
    await printer.start()
    reader.lay(CITIZEN)
    here = example.replace("serial:/dev/ttyUSB0", f"serial:{reader.path}")
    here = here.replace("tcp:192.0.2.7:9100", printer.address)
    names: dict[str, Any] = {}
    code = compile(here, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, names)
    assert names["card"] == CITIZEN
    assert len(printer.papers) == 1
    await names["reader"].close()
    await names["printer"].close()
    await reader.stop()
    await printer.stop()

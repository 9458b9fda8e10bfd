"""Files from elsewhere: a stick for somebody else, a torn one, an import with a wrong header, a clerk list with a wrong line."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from central.actions import courier as centre_courier
from central.actions import records, staff
from central.actions.centre import operator
from central.errors import FileRefused
from edge.actions import courier
from edge.actions.node import Node
from edge.errors import CourierRefused
from sync.batch.view import CentreKeys
from sync.signing.keys import SealingKey
from tests.contract.central.stage import Stage
from tests.contract.edge.test_api import over
from tests.contract.refusals.untouched import files, work_of, work_of_centre

HEADER = (
    "row,kind,number,name,sex,birth,region,address,as_of,source,id,category,title,fields,decided_on,openness,"
    "kept_until,status"
)


def torn(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    spoiled = bytearray(data)
    spoiled[len(data) * 2 // 3] ^= 1
    return bytes(spoiled)


def nothing(data: bytes) -> bytes:
    del data
    return b""


def strange(data: bytes) -> bytes:
    del data
    return b"%PDF-1.7 not a batch at all"


def unspoiled(data: bytes) -> bytes:
    """Our own batch brought back: whole, but no answer of the centre."""
    return data


SPOILS: tuple[Callable[[bytes], bytes], ...] = (torn, flipped, nothing, strange)


async def test_a_spoiled_stick_is_refused_at_the_centre_with_its_name_and_stores_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    for _ in range(20):
        hall.access("330102199001011234")
    path = tmp_path / "stick.yzb"
    before = await work_of_centre(stage)
    for spoil in SPOILS:
        path.write_bytes(spoil(hall.batch()))
        (taken,) = await centre_courier.import_files(stage.centre, operator("system"), [path])
        assert (taken.file, taken.size) == ("stick.yzb", 0), spoil
        assert taken.code, spoil
        assert taken.next, spoil
    assert await work_of_centre(stage) == before
    path.write_bytes(hall.batch())
    (good,) = await centre_courier.import_files(stage.centre, operator("system"), [path])
    assert (good.code, good.size) == ("", 20), "the same stick, written again, is taken"


async def test_a_batch_for_another_centre_is_refused_on_a_stick_and_stores_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    hall.access("330102199001011234")
    hall.centre = CentreKeys(
        origin="elsewhere.example/centre/main/i1",
        signing=hall.centre.signing,
        sealing=SealingKey.generate().public,
        recovery=hall.centre.recovery,
    )
    path = tmp_path / "stick.yzb"
    path.write_bytes(hall.batch())
    before = await work_of_centre(stage)
    (taken,) = await centre_courier.import_files(stage.centre, operator("system"), [path])
    assert taken.code == "wrong-destination"
    assert taken.next
    assert await work_of_centre(stage) == before


async def test_a_spoiled_or_foreign_stick_is_refused_at_the_node_and_the_window_goes_on(
    node: Node, tmp_path: Path
) -> None:
    exported = await courier.export(node, tmp_path / "stick")
    own = (tmp_path / "stick" / exported["files"][0]).read_bytes()
    path = tmp_path / "back.yzb"
    before = await work_of(node)
    for spoil in (*SPOILS, unspoiled):
        path.write_bytes(spoil(own))
        with pytest.raises(CourierRefused) as caught:
            await courier.import_files(node, [path])
        assert "未作任何改动" in caught.value.message.zh
        assert caught.value.next.zh
    assert await work_of(node) == before
    async with over(node) as client:
        assert (await client.get("/readyz")).status_code == 200, "a bad stick stops nobody's work"


HEADERS = (
    (HEADER.replace("number,", "nummer,"), "number"),
    (HEADER.replace(",status", ""), "status"),
    (HEADER.replace(",", ";"), "row"),
    ("", "row"),
)
CLERKS = (
    ('li.min,李敏,clerk,"public-credit",short', "password"),
    ('li.min,李敏,emperor,"public-credit",long-enough-1', "role"),
    (',李敏,clerk,"public-credit",long-enough-1', "staff"),
)


async def test_an_import_with_a_wrong_header_is_refused_naming_the_column_and_stores_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "delivery.csv"
    before = await work_of_centre(stage)
    for header, named in HEADERS:
        path.write_text(f"{header}\n1,2,3\n", encoding="utf-8")
        with pytest.raises(FileRefused) as caught:
            await records.import_file(stage.centre, operator("system"), path)
        assert named in caught.value.words.zh
        assert named in caught.value.words.en
    assert await work_of_centre(stage) == before


async def test_a_clerk_list_with_one_wrong_line_is_refused_whole_naming_the_line(
    stage: Stage, tmp_path: Path
) -> None:
    made = await stage.node()
    path = tmp_path / "staff.csv"
    before = await work_of_centre(stage)
    for line, named in CLERKS:
        good = 'staff,name,role,permits,password\nwu.yue,吴越,clerk,"public-credit",long-enough-1\n'
        path.write_text(f"{good}{line}\n", encoding="utf-8")
        with pytest.raises(FileRefused) as caught:
            await staff.import_file(stage.centre, operator("security"), made.node, path)
        assert "3" in caught.value.words.zh
        assert named in caught.value.words.en
        assert "long-enough-1" not in msgspec.json.encode(caught.value.words).decode()
    assert await work_of_centre(stage) == before


async def test_a_refused_courier_leaves_no_half_file_behind(stage: Stage, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with pytest.raises(Exception, match="there is no such node") as caught:
        await centre_courier.export(stage.centre, operator("system"), "330102", stick)
    assert caught.value
    assert files(stick) == {}

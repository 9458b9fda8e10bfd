"""Conversations recorded on the line and played again to the drivers of today."""

import msgspec
import pytest

from drivers.chips import StaffCard
from drivers.errors import CardRefused, DriverError, NotThisDevice
from drivers.wires.address import parse_address
from drivers.wires.conversation import SAYINGS_MAX, Conversation, Recorder, Replay, parse_conversation
from drivers.wires.folder_conversation import FolderReplay
from tests.rig.bench import soon
from tests.rig.talks import (
    CARD_TALKS,
    CUPS_TALK,
    FOLDER,
    PLACE,
    TALKS,
    ReplayedCard,
    card_talk,
    record,
    record_card,
    record_cups,
    record_folder,
    replay_folder,
    talk,
)
from tests.unit.drivers.samples import CITIZEN, HERE, ORGANISATION, SOCIAL

pytestmark = pytest.mark.rig

KNOWN = {
    "resident_id": CITIZEN,
    "gps": HERE,
    "qr_scanner": "YZ1.abc",
    "social_card": SOCIAL,
    "organisation_card": ORGANISATION,
}
TRIES = (
    3  # a machine that stands still for a moment makes a driver ask again; a driver that changed always does
)


async def replayed(row, text):
    """What came of a recorded conversation, and whether the driver kept to it."""
    for _ in range(TRIES):
        replay = Replay(parse_conversation(text), place=PLACE if row.scheme == "ipp" else "")
        await replay.start()
        try:
            result = await talk(row, replay.end.path, replay.begin if row.speaks else lambda: None)
        except DriverError as trouble:
            result = trouble
        kept, wrong = replay.finished, replay.wrong
        await replay.stop()
        if kept:
            break
    return result, wrong


@pytest.mark.parametrize("row", [*TALKS, CUPS_TALK], ids=lambda row: row.name)
async def test_g17_a_kept_conversation_is_replayed_to_the_driver_of_today(row):
    result, wrong = await replayed(row, (FOLDER / f"{row.name}.txt").read_text("utf-8"))
    assert wrong == ""
    if row.name in KNOWN:
        assert result == KNOWN[row.name]
    if row.name == "receipt_printer":
        assert result.confirmed
    if row.kind == "a4_printer":
        assert printed(result)


def printed(result):
    """Whether a sheet was handed over once, found again and read back as done, by a printer that is well."""
    handed, found, ended, printer = result
    return handed.confirmed and found == handed.job and ended.stage == "done" and printer.ready


@pytest.mark.parametrize("row", TALKS, ids=lambda row: row.name)
async def test_g17_what_is_recorded_on_the_line_now_replays_with_the_same_result(row):
    text, live = await record(row)
    result, wrong = await replayed(row, text)
    assert (result, wrong) == (live, "")


@pytest.mark.parametrize("row", CARD_TALKS, ids=lambda row: row.name)
async def test_g17_a_kept_conversation_with_a_card_is_replayed_through_a_real_daemon(row):
    text = (FOLDER / f"{row.name}.txt").read_text("utf-8")
    result = await card_talk(row, ReplayedCard(parse_conversation(text)))
    if row.name in KNOWN:
        assert result == KNOWN[row.name]
    else:
        assert isinstance(result, StaffCard)


async def test_g17_a_kept_conversation_in_a_folder_is_replayed(tmp_path):
    result, replay = await replay_folder((FOLDER / "a4_spool.txt").read_text("utf-8"), tmp_path / "hall")
    assert printed(result)
    assert replay.finished


async def test_another_job_than_the_recorded_one_is_found_out(tmp_path):
    folder = tmp_path / "hall"
    (folder / "new").mkdir(parents=True)
    (folder / "new" / "sheet-0001.pdf").write_bytes(b"%PDF other")
    replay = FolderReplay(parse_conversation((FOLDER / "a4_spool.txt").read_text("utf-8")), folder)
    await replay.start()
    await soon(lambda: replay.wrong)
    assert replay.wrong == "sheet-0001.pdf is another job"
    assert not replay.finished
    await replay.stop()


async def test_g17_what_is_recorded_of_a_folder_and_of_a_real_cups_now_replays_with_the_same_result(tmp_path):
    text, live = await record_folder()
    result, replay = await replay_folder(text, tmp_path / "hall")
    assert (result, replay.finished) == (live, True)
    text, live = await record_cups()
    assert await replayed(CUPS_TALK, text) == (live, "")


async def test_a_card_that_leaves_its_recording_is_refused():
    row = CARD_TALKS[0]
    text, _ = await record_card(row)
    conversation = parse_conversation(text)
    conversation.sayings[4] = msgspec.structs.replace(conversation.sayings[4], said=b"\x00\xb2\x09\x04\x00")
    with pytest.raises(CardRefused):
        await card_talk(row, ReplayedCard(conversation))


async def test_a_driver_that_says_something_else_is_found_out():
    changed = (FOLDER / "led_screen.txt").read_text("utf-8").replace("A2000100", "A2000200", 1)
    row = next(row for row in TALKS if row.name == "led_screen")
    result, wrong = await replayed(row, changed)
    assert isinstance(result, DriverError)
    assert wrong.startswith("4 sayings before the end")


async def test_a_line_of_another_kind_is_not_recorded():
    with pytest.raises(NotThisDevice):
        await Recorder(parse_address("pcsc:*")).start()


def test_a_conversation_survives_its_file_and_a_wrong_line_is_named():
    kept = Conversation("two\nlines")
    kept.add("driver", b"ab")
    kept.add("driver", b"c")
    kept.add("device", b"d")
    again = parse_conversation(kept.text())
    assert (again.words, again.sayings) == (kept.words, kept.sayings)
    assert [saying.said for saying in again.sayings] == [b"abc", b"d"]
    for text, line in (("> 12\n? 12", "line 2"), ("> 1", "line 1"), ("> XY", "line 1")):
        with pytest.raises(ValueError, match=line):
            parse_conversation(text)
    with pytest.raises(ValueError, match="8 MiB"):
        parse_conversation("#" * 9_000_000)
    for number in range(SAYINGS_MAX - 2):
        kept.add("device" if number % 2 else "driver", b"x")
    with pytest.raises(ValueError, match="without an end"):
        kept.add("driver", b"x")


def test_no_recording_holds_a_card_of_anybody():
    """Every recording says where it is from; those of the twins hold the samples only."""
    for path in FOLDER.glob("*.txt"):
        words = parse_conversation(path.read_text("utf-8")).words
        assert words, path.name

import pytest

from drivers.devices.a4_spool import protocol
from drivers.errors import Garbled


@pytest.mark.parametrize(
    ("folders", "stage"),
    [
        ((), "unknown"),
        (("new",), "queued"),
        (("work",), "printing"),
        (("done",), "done"),
        (("failed",), "failed"),
    ],
)
def test_g17_where_a_job_lies_says_how_far_it_is(folders, stage):
    state = protocol.job_state("330102-000017", folders)
    assert (state.job, state.stage) == ("330102-000017", stage)
    assert state.ended == (stage in {"done", "failed"})
    assert all((state.words.zh, state.words.en, state.next.zh, state.next.en))


def test_a_job_seen_in_two_places_is_in_the_later():
    assert protocol.job_state("x", ("work", "done")).stage == "done"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, (True, "unknown", True)),
        (b"{}", (True, "unknown", True)),
        (b'{"paper":"ok"}', (True, "ok", True)),
        (b'{"paper":"near-end"}', (True, "near-end", True)),
        (b'{"paper":"out"}', (True, "out", False)),
        (b'{"paper":"ok","online":false}', (False, "ok", False)),
        (b'{"paper":"ok","cover_open":true}', (True, "ok", False)),
        (b'{"paper":"ok","fault":"recoverable"}', (True, "ok", False)),
    ],
)
def test_what_the_far_side_says_of_the_printer_is_read(said, expected):
    state = protocol.printer_state(said)
    assert (state.online, state.paper, state.ready) == expected
    assert state.words.zh


@pytest.mark.parametrize(
    "said", [b"", b"paper: ok", b"[]", b'{"paper":"wet"}', b'{"ink":1}', b"\xff\xfe", b'{"\x8daper": 1}']
)
def test_what_cannot_be_read_is_garbled(said):
    with pytest.raises(Garbled):
        protocol.printer_state(said)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("330102-2026-000017.2", True),
        ("", False),
        ("../x", False),
        ("a/b", False),
        (".x", False),
        ("x" * 101, False),
    ],
)
def test_a_jobs_name_is_a_plain_file_name(name, good):
    assert protocol.is_name(name) is good

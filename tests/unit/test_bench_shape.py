"""What `make bench` wrote: documents of the promised shape, and a table that is current. Nothing is timed here."""

import operator
import re

import msgspec
import pytest

from tests.bench import figures, machine
from tests.bench.figures import (
    RESULTS,
    TABLE,
    Measure,
    Result,
    at_least,
    at_most,
    floor,
    read,
    seen,
    table,
    write,
)
from tests.bench.table import BENCHES
from tests.bench.timing import percentile

FILES = sorted(RESULTS.glob("*.json"))
KEYS = {"id", "machine", "commit", "figures", "floors", "peers", "bound_by"}
COMPARES = {"≤": operator.le, "≥": operator.ge}


def made(**more: object) -> Result:
    fields = {
        "id": "answer",
        "machine": machine.this(),
        "commit": "0123456789ab",
        "figures": {"p99": at_most(21.3456, "ms", 20), "rate": at_least(7, "a/s", 5), "count": seen(3, "")},
        "floors": {"commit": floor(0.00123456, "ms")},
        "peers": {},
        "bound_by": "the disk",
    }
    return msgspec.convert({**fields, **more}, Result, from_attributes=True)


def test_every_bench_has_its_result_and_no_result_is_of_an_unknown_bench():
    assert {path.stem for path in FILES} == {bench.id for bench in BENCHES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_result_has_the_promised_shape(path):
    document = msgspec.json.decode(path.read_bytes())
    assert set(document) == KEYS
    assert document["id"] == path.stem
    assert document["figures"]
    assert document["floors"], "a figure says nothing without its floor"
    assert document["bound_by"]
    for name, figure in document["figures"].items():
        assert set(figure) == {"value", "unit", "limit", "holds"}, name
        assert isinstance(figure["value"], int | float), name
        sign, _, limit = (figure["limit"] or "≤ inf").partition(" ")
        assert COMPARES[sign](figure["value"], float(limit)) == figure["holds"], name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_result_describes_the_machine_without_its_name_or_paths(path):
    text = path.read_text("utf-8")
    described = msgspec.json.decode(text)["machine"]
    assert set(described) == {"cores", "memory_mib", "cpu", "python", "kernel", "load"}
    assert not re.search(r"/(home|root|work|tmp|usr|var)/", text)


def test_the_table_is_the_one_of_the_results():
    assert (RESULTS / TABLE).read_text("utf-8") == table(read()), "run make bench again, or write() the table"


def test_writing_a_result_writes_the_table_beside_it(tmp_path):
    write(made(), tmp_path)
    write(made(id="append"), tmp_path)
    assert [result.id for result in read(tmp_path)] == ["answer", "append"]
    page = (tmp_path / TABLE).read_text("utf-8")
    assert "| p99 | 21.35 ms | ≤ 20 | **no** |" in page
    assert "| rate | 7 a/s | ≥ 5 | yes |" in page
    assert page == table(read(tmp_path))


def test_a_result_with_a_field_too_many_is_not_read(tmp_path):
    document = msgspec.to_builtins(made()) | {"host": "somewhere"}
    (tmp_path / "answer.json").write_bytes(msgspec.json.encode(document))
    with pytest.raises(msgspec.ValidationError):
        read(tmp_path)


def test_a_limit_is_judged_on_the_figure_as_it_is_written_down():
    assert not at_most(20.06, "ms", 20).holds
    assert at_most(20.004, "ms", 20) == at_most(20, "ms", 20)
    assert at_most(20, "ms", 20).holds
    assert not at_least(4999, "entries/s", 5000).holds
    assert seen(1e9, "B").holds


def test_figures_keep_four_digits():
    assert figures.rounded(123456.7) == 123500
    assert floor(0.00123456, "s") == Measure(value=0.001235, unit="s")


def test_a_percentile_is_a_sample_that_was_seen():
    samples = [float(n) for n in range(1, 101)]
    assert percentile(samples, 99) == 99
    assert percentile(samples, 50) == 50
    assert percentile([5.0], 99) == 5.0

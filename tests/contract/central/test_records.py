"""Records coming in from files, and going out as packs."""

import csv
import json
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from central.actions import publish, records, staff
from central.actions.centre import operator
from central.actions.leases import SCOPE_KEY
from central.errors import FileRefused, NotFound, NotPermitted
from matters.importing import HEADER, write_row
from matters.records import Record, SubjectRecord
from sync.packs.pack import open_pack, row_digest, state_root
from sync.packs.release import open_release, plan
from tests.contract.central.clock import NOW_MS
from tests.contract.central.stage import Stage, person

SYSTEM = operator("system")
NUMBER = "330102199001011234"


class SubjectFile(msgspec.Struct):
    subject: SubjectRecord
    records: list[Record]


def sample(folder: Path, people: int = 60, bad: int = 0, region: str = "330102", seed: int = 1) -> Path:
    path = folder / f"records-{region}-{seed}.csv"
    records.sample_file(path, records.sample_rows(people, seed, region, NOW_MS - 60_000), bad)
    return path


async def held(stage: Stage) -> tuple[int, int]:
    row = (
        await stage.rows("SELECT (SELECT count(*) FROM subject) AS s, (SELECT count(*) FROM record) AS r")
    )[0]
    return row["s"], row["r"]


async def test_g30_a_file_is_imported_and_its_bad_lines_are_listed_with_line_and_reason(
    stage: Stage, tmp_path: Path
) -> None:
    path = sample(tmp_path, bad=5)
    lines = path.read_text(encoding="utf-8").splitlines()
    seen: list[tuple[int, int]] = []
    done = await records.import_file(stage.centre, SYSTEM, path, lambda *at: seen.append(at))
    assert done.read == len(lines) - 1
    assert [one.line for one in done.rejected] == [38, 76, 114, 152, 190]
    assert "校验位" in done.rejected[0].reason
    subjects, kept = await held(stage)
    assert (subjects, kept) == (62, done.stored - 62)
    assert done.stored == done.read - 5
    assert seen[-1] == (seen[-1][1], path.stat().st_size), "progress ends at the file's size"


async def test_g30_the_same_rows_again_change_nothing(stage: Stage, tmp_path: Path) -> None:
    path = sample(tmp_path)
    await records.import_file(stage.centre, SYSTEM, path)
    before = await held(stage)
    other = tmp_path / "again.csv"
    other.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = await records.import_file(stage.centre, SYSTEM, other)
    assert (done.stored, await held(stage)) == (0, before)


async def test_g30_an_import_that_was_cut_goes_on_where_it_was(stage: Stage, tmp_path: Path) -> None:
    path = sample(tmp_path, people=2500)

    class CutError(RuntimeError):
        pass

    def cut(done: int, total: int) -> None:
        raise CutError

    with pytest.raises(CutError):
        await records.import_file(stage.centre, SYSTEM, path, cut)
    run = (await stage.rows("SELECT lines_done, finished_ms FROM import_run"))[0]
    assert run["lines_done"] == records.CHUNK_ROWS + 1
    assert run["finished_ms"] is None
    done = await records.import_file(stage.centre, SYSTEM, path)
    assert done.resumed_after == records.CHUNK_ROWS + 1
    assert done.read == len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert (await held(stage))[0] == 2600


async def test_an_older_delivery_never_replaces_a_newer_one(stage: Stage, tmp_path: Path) -> None:
    for name, at in (("今", NOW_MS), ("昔", NOW_MS - 86_400_000)):
        path = tmp_path / f"{at}.csv"
        write(path, [write_row(person(name=name, as_of_ms=at))])
        await records.import_file(stage.centre, SYSTEM, path)
    from central.actions import dossier
    from central.store import records as rows

    async with stage.centre.store.reading() as tx:
        ref = stage.centre.keys.ref(NUMBER)
        found = dossier.opened(stage.centre.keys, (await rows.held(tx, [ref]))[ref])
    assert found.subject
    assert found.subject.name == "今"


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)


async def test_jsonl_and_parquet_hold_the_same_rows_as_csv(stage: Stage, tmp_path: Path) -> None:
    rows = [write_row(value) for value in records.sample_rows(5, 3, "330102", NOW_MS)]
    as_json = tmp_path / "rows.jsonl"
    as_json.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    as_parquet = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), as_parquet)
    as_csv = tmp_path / "rows.csv"
    write(as_csv, rows)
    first = await records.import_file(stage.centre, SYSTEM, as_json)
    assert (first.stored, first.rejected) == (len(rows), ())
    for path in (as_parquet, as_csv):
        done = await records.import_file(stage.centre, SYSTEM, path)
        assert (done.read, done.stored, done.rejected) == (len(rows), 0, ())


async def test_lines_that_are_no_rows_are_rejected_one_by_one(stage: Stage, tmp_path: Path) -> None:
    good = write_row(person())
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(good), "{", "[]", json.dumps({**good, "more": "x"}), json.dumps({**good, "name": 5})]
    path.write_bytes("\n".join(lines).encode() + b'\n{"row": "\xff"}\n')
    done = await records.import_file(stage.centre, SYSTEM, path)
    assert [one.line for one in done.rejected] == [2, 3, 4, 5, 6]
    assert done.stored == 1
    broken = tmp_path / "rows.csv"
    broken.write_bytes(
        ",".join(HEADER).encode() + b"\nsubject,too,few\n" + b"\xff\xfe," * (len(HEADER) - 1) + b"\n"
    )
    done = await records.import_file(stage.centre, SYSTEM, broken)
    assert [one.line for one in done.rejected] == [2, 3]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("a.csv", "row,kind,number\nsubject,natural,1\n", "region"),
        ("b.csv", ",".join((*HEADER, "colour")) + "\n", "colour"),
        ("c.csv", "", "row"),
        ("d.xlsx", "PK", ".xlsx"),
        ("e.parquet", "no parquet", "Parquet"),
    ],
)
async def test_an_import_file_with_a_wrong_header_is_refused_naming_the_columns(
    stage: Stage, tmp_path: Path, name: str, content: str, named: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileRefused) as caught:
        await records.import_file(stage.centre, SYSTEM, path)
    assert named in caught.value.words.zh
    assert await held(stage) == (0, 0)
    assert await stage.rows("SELECT 1 FROM import_run") == []


async def test_a_file_that_is_not_there_is_refused(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(FileRefused):
        await records.import_file(stage.centre, SYSTEM, tmp_path / "none.csv")


async def test_only_the_system_administrator_imports_and_publishes(stage: Stage, tmp_path: Path) -> None:
    for role in ("security", "audit"):
        with pytest.raises(NotPermitted):
            await records.import_file(stage.centre, operator(role), sample(tmp_path))
        with pytest.raises(NotPermitted):
            await publish.publish(stage.centre, operator(role))


async def opened(stage: Stage, scope: str, have: int = 0) -> tuple[int, dict[bytes, bytes | None], bytes]:
    """The newest release of a scope as a node opens it: version, rows from `have` on, state root."""
    signed = (
        await stage.rows("SELECT signed FROM release WHERE scope = $1 ORDER BY version DESC LIMIT 1", scope)
    )[0]["signed"]
    release = open_release(signed, stage.centre.keys.signing.public)
    key = stage.centre.keys.unseal(
        SCOPE_KEY,
        scope.encode(),
        (await stage.rows("SELECT key_sealed FROM scope WHERE scope = $1", scope))[0][0],
    )
    rows: dict[bytes, bytes | None] = {}
    async with stage.client() as http:
        for pack in plan(release, have):
            reply = await http.get(f"/api/packs/{pack.digest.hex()}")
            assert reply.status_code == 200
            assert "immutable" in reply.headers["cache-control"]
            for row in open_pack(reply.content, key, pack.digest, scope=scope, kind=pack.kind):
                rows[row.ref] = row.blob
    return release.version, rows, release.state_root


async def test_a_county_is_published_whole_and_then_by_what_changed(stage: Stage, tmp_path: Path) -> None:
    await stage.node()
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=80))
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=10, region="330104"))
    done = {one.scope: one for one in await publish.publish(stage.centre, SYSTEM)}
    assert (done["330102/detail"].version, done["330102/detail"].rows) == (1, 83)
    version, rows, root = await opened(stage, "330102/detail")
    assert state_root((ref, row_digest(ref, blob)) for ref, blob in rows.items() if blob) == root
    blob = next(blob for blob in rows.values() if blob)
    whole = msgspec.json.decode(blob, type=SubjectFile)
    assert whole.subject.region.startswith("330102")
    number = whole.subject.number

    assert all(one.changed == 0 for one in await publish.publish(stage.centre, SYSTEM)), "nothing changed"
    await records.change(stage.centre, SYSTEM, number)
    again = {one.scope: one for one in await publish.publish(stage.centre, SYSTEM)}
    assert (again["330102/detail"].kind, again["330102/detail"].changed) == ("delta", 1)
    version, fresh, root = await opened(stage, "330102/detail", have=1)
    assert version == 2
    assert list(fresh) == [stage.centre.keys.ref(number)]
    rows |= fresh
    assert state_root((ref, row_digest(ref, blob)) for ref, blob in rows.items() if blob) == root
    changed = msgspec.json.decode(rows[stage.centre.keys.ref(number)] or b"", type=SubjectFile)
    assert len(changed.records) == len(whole.records) + 1


async def test_a_subject_who_moves_away_leaves_the_scope(stage: Stage, tmp_path: Path) -> None:
    await stage.node()
    path = tmp_path / "a.csv"
    write(path, [write_row(person()), *map(write_row, records.sample_rows(20, 9, "330102", NOW_MS))])
    await records.import_file(stage.centre, SYSTEM, path)
    await publish.publish(stage.centre, SYSTEM)
    away = tmp_path / "b.csv"
    write(away, [write_row(person(region="330104001001", as_of_ms=NOW_MS))])
    await records.import_file(stage.centre, SYSTEM, away)
    await publish.publish(stage.centre, SYSTEM)
    _, rows, root = await opened(stage, "330102/detail", have=1)
    assert rows == {stage.centre.keys.ref(NUMBER): None}
    _, whole, root = await opened(stage, "330102/detail")
    assert stage.centre.keys.ref(NUMBER) not in {ref for ref, blob in whole.items() if blob}
    held_now = {ref: blob for ref, blob in whole.items() if blob}
    assert state_root((ref, row_digest(ref, blob)) for ref, blob in held_now.items()) == root


async def test_many_changes_are_compacted_into_a_new_base(stage: Stage, tmp_path: Path) -> None:
    await stage.node()
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=30))
    await publish.publish(stage.centre, SYSTEM)
    kinds = []
    for seed in range(2, 6):
        await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=30, seed=seed))
        kinds.append((await publish.publish(stage.centre, SYSTEM))[0].kind)
        version, rows, root = await opened(stage, "330102/detail")
        assert state_root((ref, row_digest(ref, blob)) for ref, blob in rows.items() if blob) == root
    assert "base" in kinds
    assert version == 5


async def test_a_bus_holds_its_route_only(stage: Stage, tmp_path: Path) -> None:
    bus = await stage.node(name="流动车 07", region="330104", kind="bus", route=("330104001", "330104002"))
    await records.import_file(stage.centre, SYSTEM, sample(tmp_path, people=200, region="330104"))
    await publish.publish(stage.centre, SYSTEM)
    _, rows, _ = await opened(stage, f"{bus.node}/detail")
    regions = {
        msgspec.json.decode(blob, type=SubjectFile).subject.region[:9] for blob in rows.values() if blob
    }
    assert regions == {"330104001", "330104002"}


async def test_clerks_come_in_with_passwords_and_go_down_as_argon2id(stage: Stage, tmp_path: Path) -> None:
    node = (await stage.node()).node
    path = tmp_path / "staff.csv"
    path.write_text(
        "staff,name,role,permits,password,card\n"
        f'li.min,李敏,clerk,"public-credit,credit-bureau",long-enough-1,{"AB:" * 31}CD\n',
        encoding="utf-8",
    )
    await staff.import_file(stage.centre, operator("security"), node, path)
    await publish.publish(stage.centre, SYSTEM)
    _, rows, _ = await opened(stage, f"{node}/staff")
    row = json.loads(next(blob for blob in rows.values() if blob))
    assert row["argon2"].startswith("$argon2id$")
    assert row["card"] == "ab" * 31 + "cd"
    assert (row["staff"], row["permits"], row["revoked"]) == (
        "li.min",
        ["public-credit", "credit-bureau"],
        False,
    )
    from central.security import passwords

    assert passwords.fits("long-enough-1", row["argon2"])
    held_rows = await stage.rows("SELECT * FROM staff")
    assert "long-enough-1" not in str([dict(one) for one in held_rows])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("staff,name\nli.min,李敏\n", "role"),
        ("staff,name,role,permits,password,age\n", "age"),
        ("staff,name,role,permits,password\nli.min,李敏,king,x,long-enough-1\n", "role"),
        ("staff,name,role,permits,password\nli.min,李敏,clerk,x,short\n", "2"),
        ("staff,name,role,permits,password,card\nli.min,李敏,clerk,x,long-enough-1,no-card\n", "card"),
        ("staff,name,role,permits,password\n,李敏,clerk,x,long-enough-1\n", "staff"),
        ("staff,name,role,permits,password\na,甲,clerk,x,long-enough-1\na,乙,clerk,x,long-enough-1\n", "a"),
    ],
)
async def test_a_staff_file_that_is_wrong_is_refused_whole(
    stage: Stage, tmp_path: Path, text: str, named: str
) -> None:
    node = (await stage.node()).node
    path = tmp_path / "staff.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileRefused) as caught:
        await staff.import_file(stage.centre, operator("security"), node, path)
    assert named in caught.value.words.zh
    assert "long-enough-1" not in caught.value.words.zh
    assert await stage.rows("SELECT 1 FROM staff") == []


async def test_changing_a_subject_nobody_knows_is_refused(stage: Stage) -> None:
    with pytest.raises(NotFound):
        await records.change(stage.centre, SYSTEM, NUMBER)

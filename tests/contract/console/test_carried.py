"""Trips of buses, withdrawn consent and who was held, by the console: what is done, refused, and on the ledger."""

import csv
from datetime import timedelta
from pathlib import Path

from central.actions import publish, records
from central.actions.centre import operator
from matters.calendar import china_day
from matters.importing import HEADER, write_row
from tests.contract.central.stage import Stage, person
from tests.contract.console.stage import NUMBER, OTHER, desk

STOP = "330102001"
NOTE = "本人书面申请 SQ-2026-118"


async def bus(stage: Stage, tmp_path: Path) -> str:
    """A bus with one person of its route known to the centre; its id."""
    delivery = tmp_path / "delivery.csv"
    with delivery.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerow(write_row(person(NUMBER, region=f"{STOP}000")))
    taken = await records.import_file(stage.centre, operator("system"), delivery)
    assert taken.stored == 1, taken
    made = await stage.node(name="青州流动服务车", kind="bus", route=(STOP,))
    await publish.publish(stage.centre, operator("system"))
    return made.node


def days(stage: Stage, last: int = 0) -> dict[str, str]:
    first = china_day(stage.clock())
    return {"first": first.isoformat(), "last": (first + timedelta(days=last)).isoformat()}


async def acts(stage: Stage) -> list[str]:
    """What administrators did, by the centre's own ledger, newest last."""
    return [row["kind"] for row in await stage.rows("SELECT kind FROM centre_entry ORDER BY idx")]


async def test_a_trip_is_planned_takes_its_list_and_is_ended_by_the_console(
    scene: Stage, tmp_path: Path
) -> None:
    node = await bus(scene, tmp_path)
    form = {"node": node, "stops": STOP, **days(scene, 1), "listed": "yes", "most": "2"}
    async with desk(scene, "system") as visitor:
        assert "还没有安排车次" in (await visitor.get("/trips")).text
        opened = await visitor.follow(await visitor.post("/trips", form))
        trip = f"{node}-t1/detail"
        assert trip in opened.text
        assert "0 / 2 人" in opened.text
        lines = {"list": ("list.txt", f"{NUMBER}\n\n{OTHER}\n".encode(), "text/plain")}
        listed = await visitor.post("/trips/list", {"trip": trip}, files=lines)
        assert "名单收下 1 人，未收 1 行" in listed.text
        assert "第 3 行：中心没有该主体" in listed.text
        assert NUMBER not in listed.text
        assert OTHER not in listed.text
        ended = await visitor.follow(await visitor.post("/trips/end", {"trip": trip}))
        assert "已结束" in ended.text
        assert "收下名单" not in ended.text, "an ended trip takes no list"


NO_TRIPS = (
    ({"stops": "330199001"}, "停靠点须在本车线路内"),
    ({"stops": ""}, "停靠点须在本车线路内"),
    ({"first": ""}, "请填首日和末日"),
    ({"last": "2026-13-40"}, "请填首日和末日"),
    ({"last": "2036-01-01"}, "车次为 1 至 14 天"),
    ({"listed": "yes", "most": "many"}, "名单上限为 1 至"),
    ({"listed": "yes", "most": "2001"}, "名单上限为 1 至"),
)


async def test_a_trip_that_cannot_be_is_refused_in_words_and_nothing_is_planned(
    scene: Stage, tmp_path: Path
) -> None:
    node = await bus(scene, tmp_path)
    async with desk(scene, "system") as visitor:
        await visitor.get("/trips")
        before = await acts(scene)
        for wrong, words in NO_TRIPS:
            form = {"node": node, "stops": STOP, **days(scene), "most": "500"} | wrong
            reply = await visitor.post("/trips", form)
            assert reply.status_code == 422, wrong
            assert words in reply.text, wrong
            assert f'value="{form["stops"]}"' in reply.text, "what was typed stays"
        unknown = {"node": "330999", "stops": STOP, **days(scene), "most": "500"}
        assert (await visitor.post("/trips", unknown)).status_code == 404
        assert await acts(scene) == before
    assert await scene.rows("SELECT 1 FROM scope WHERE until_ms > 0") == []


async def test_a_list_that_is_no_text_too_long_or_of_no_trip_changes_nothing(
    scene: Stage, tmp_path: Path
) -> None:
    node = await bus(scene, tmp_path)
    form = {"node": node, "stops": STOP, **days(scene), "listed": "yes", "most": "1"}
    async with desk(scene, "system") as visitor:
        await visitor.get("/trips")
        await visitor.follow(await visitor.post("/trips", form))
        for content, words in ((b"\xff\xfe\x00", "请选一个文本文件"), (b"", "请选一个文本文件")):
            no = await visitor.post(
                "/trips/list", {"trip": f"{node}-t1/detail"}, files={"list": ("l.txt", content, "text/plain")}
            )
            assert no.status_code == 422
            assert words in no.text, no.text[-1800:]
        lines = {"list": ("l.txt", NUMBER.encode(), "text/plain")}
        assert (await visitor.post("/trips/list", {"trip": "nowhere/detail"}, files=lines)).status_code == 404
        assert (await visitor.post("/trips/end", {"trip": "nowhere/detail"})).status_code == 404
    assert await scene.rows("SELECT 1 FROM trip_subject") == []


async def test_consent_is_withdrawn_and_given_again_without_the_number_ever_coming_back(
    scene: Stage, tmp_path: Path
) -> None:
    await bus(scene, tmp_path)
    async with desk(scene, "security") as visitor:
        assert "现有 0 人不同意离线答复" in (await visitor.get("/consent")).text
        done = await visitor.post("/consent", {"number": NUMBER, "what": "withdrawn", "note": NOTE})
        assert "已登记撤回授权" in done.text
        assert "现有 1 人不同意离线答复" in done.text
        assert NUMBER not in done.text
        again = await visitor.post("/consent", {"number": NUMBER, "what": "again", "note": NOTE})
        assert "已登记恢复授权" in again.text
    assert await scene.rows("SELECT 1 FROM consent_withdrawn") == []


async def test_consent_that_cannot_be_registered_is_refused_in_words(scene: Stage, tmp_path: Path) -> None:
    await bus(scene, tmp_path)
    wrong = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")
    async with desk(scene, "security") as visitor:
        await visitor.get("/consent")
        before = await acts(scene)
        for number, note, words in (
            ("", NOTE, "请填号码"),
            (wrong, NOTE, "校验"),
            (OTHER, NOTE, "中心没有该主体"),
            (NUMBER, "", "依据"),
        ):
            no = await visitor.post("/consent", {"number": number, "note": note})
            assert no.status_code == 422, words
            assert words in no.text
            assert not number or number not in no.text
        assert await acts(scene) == before
    assert await scene.rows("SELECT 1 FROM consent_withdrawn") == []


async def test_who_was_held_is_asked_with_a_purpose_that_is_on_the_ledger_before_the_answer(
    scene: Stage, tmp_path: Path
) -> None:
    node = await bus(scene, tmp_path)
    form = {"node": node, "at": "2026-11-20T12:00", "number": NUMBER, "purpose": "核查一起群众投诉的经过"}
    async with desk(scene, "audit") as visitor:
        assert "先记账，再查询" in (await visitor.get("/held")).text
        before = len(await acts(scene))
        reply = await visitor.post("/held", form)
        assert len(await acts(scene)) == before + 1
        assert NUMBER not in reply.headers["location"]
        found = await visitor.follow(reply)
        assert "存有 0 个不同主体" in found.text
        assert "不在其中" in found.text
        assert "核查一起群众投诉的经过" in found.text
        assert NUMBER not in found.text
        assert len(await acts(scene)) == before + 1, "looking again at the answer asks nothing"
        assert (await visitor.get("/held/gone")).status_code == 410


async def test_a_question_without_purpose_moment_or_a_right_number_is_not_asked(
    scene: Stage, tmp_path: Path
) -> None:
    node = await bus(scene, tmp_path)
    asked = {"node": node, "at": "2026-11-20T12:00", "number": "", "purpose": "核查一起群众投诉的经过"}
    async with desk(scene, "audit") as visitor:
        await visitor.get("/held")
        before = await acts(scene)
        for wrong, words in (
            ({"purpose": "太短"}, "须写明目的"),
            ({"at": "yesterday"}, "请填日期和时间"),
            ({"at": ""}, "请填日期和时间"),
            ({"at": "1969-01-01T00:00"}, "请填日期和时间"),
            ({"number": "123"}, "18"),
        ):
            no = await visitor.post("/held", asked | wrong)
            assert no.status_code == 422, wrong
            assert words in no.text, wrong
        assert (await visitor.post("/held", asked | {"node": "330999"})).status_code == 404
        assert await acts(scene) == before

"""The node's JSON API. Handlers parse, call one action, and shape its value; they hold no rules."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import ServerSentEvent, ServerSentEventMessage

from edge.actions import (
    answer,
    cases,
    close_day,
    duties,
    exchange,
    findings,
    own_trail,
    printing,
    reads,
    sign_in,
    status,
    trail,
)
from edge.actions.node import Node, Session
from edge.api.forms import Confirmation, Day, Note, OwnTrail, Question, Reason, SignIn
from edge.api.replies import answered, read, reply
from edge.api.replies import trail as trail_reply
from edge.errors import NotThere
from edge.security import web
from matters.model import Refusal

BEAT_S = 2.0
RETRY_MS = 2000
TheNode = NamedDependency[Node]
TheSession = NamedDependency[Session]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@get("/api/status")
async def get_status(node: TheNode) -> Response[bytes]:
    """Four facts with an age each, leases, lanes, devices, clock; no personal data."""
    return reply(await status.status(node))


@post("/api/session", status_code=200)
async def open_session(node: TheNode, data: JSONBody[SignIn]) -> Response[bytes]:
    """Sign in: the cookie, and the forgery token that goes with every change; 403 with words otherwise."""
    found = await sign_in.sign_in(node, data.staff, data.password, data.window)
    if isinstance(found, Refusal):
        return reply(found, 403)
    body = {
        "csrf": found.csrf,
        "staff": found.staff,
        "name": found.name,
        "role": found.role,
        "permits": found.permits,
        "window": found.window,
    }
    response = reply(body)
    response.set_cookie(web.cookie(found, secure=node.settings.secure_cookies))
    return response


@delete("/api/session", status_code=200)
async def close_session(node: TheNode, session: TheSession) -> Response[bytes]:
    """Sign out."""
    await sign_in.sign_out(node, session)
    response = reply({"signed_out": True})
    response.set_cookie(web.gone(secure=node.settings.secure_cookies))
    return response


@get("/api/reads/latest")
async def latest_read(node: TheNode, session: TheSession) -> Response[bytes]:
    """The newest card at this window, number masked; 204 when there is none."""
    return read(await reads.latest(node, session.window))


@post("/api/answers", status_code=200)
async def post_answer(node: TheNode, session: TheSession, data: JSONBody[Question]) -> Response[bytes]:
    """The query itself: 200 answer, 202 deferral, 403 refusal, 503 when the entry cannot be written."""
    return answered(await answer.answer(node, session, data.query()))


@post("/api/own-trail", status_code=200)
async def post_own_trail(node: TheNode, session: TheSession, data: JSONBody[OwnTrail]) -> Response[bytes]:
    """谁查过我, for the person whose card was read."""
    return trail_reply(await own_trail.show(node, session, data.read_id, data.phone))


@get("/api/cases")
async def get_cases(
    node: TheNode, session: TheSession, in_state: FromQuery[str | None] = None
) -> Response[bytes]:
    """The hall's cases, numbers masked."""
    return reply(await cases.list_cases(node, session, in_state))


@get("/api/tasks")
async def get_tasks(node: TheNode, session: TheSession) -> Response[bytes]:
    """Deferrals and calls that wait."""
    assert session.staff
    return reply(await cases.tasks(node))


@post("/api/tasks/{task_id:str}", status_code=200)
async def post_task(
    node: TheNode, session: TheSession, task_id: FromPath[str], data: JSONBody[Note]
) -> Response[bytes]:
    """A task is done."""
    await cases.finish_task(node, session, task_id, data.note)
    return reply({"done": task_id})


@get("/api/prints")
async def get_prints(node: TheNode, session: TheSession) -> Response[bytes]:
    """The print journal."""
    assert session.staff
    return reply(await printing.jobs(node))


@post("/api/prints/{job_id:str}", status_code=200)
async def post_print(
    node: TheNode, session: TheSession, job_id: FromPath[str], data: JSONBody[Confirmation]
) -> Response[bytes]:
    """The clerk's word on one job."""
    return reply(await printing.confirm(node, session, job_id, data.outcome, data.reason, data.sheet))


@post("/api/reports/{serial:str}/reprint", status_code=200)
async def post_reprint(
    node: TheNode, session: TheSession, serial: FromPath[str], data: JSONBody[Reason]
) -> Response[bytes]:
    """补打: one more copy, with its reason."""
    return reply({"job": await printing.reprint(node, session, serial, data.reason)})


@post("/api/reports/{serial:str}/hand-over", status_code=200)
async def post_hand_over(node: TheNode, session: TheSession, serial: FromPath[str]) -> Response[bytes]:
    """The citizen has the paper."""
    await printing.hand_over(node, session, serial)
    return reply({"handed_over": serial})


@get("/api/reports/{serial:str}/report.pdf")
async def get_report(node: TheNode, session: TheSession, serial: FromPath[str]) -> Response[bytes]:
    """The report's file, for the clerk's own open case."""
    file = await printing.pdf(node, session, serial)
    return Response(file, media_type="application/pdf", headers={"cache-control": "no-store"})


@get("/api/day/{day:str}")
async def get_day(node: TheNode, session: TheSession, day: FromPath[str]) -> Response[bytes]:
    """A day's totals as they stand."""
    assert session.staff
    return reply(await close_day.preview(node, _day(day)))


@post("/api/day", status_code=200)
async def post_day(node: TheNode, session: TheSession, data: JSONBody[Day]) -> Response[bytes]:
    """Close a day."""
    closed = await close_day.close(node, session, _day(data.day))
    return reply(msgspec.structs.asdict(closed) | {"entry": closed.entry.index})


@get("/api/findings")
async def get_findings(node: TheNode, session: TheSession) -> Response[bytes]:
    """Differences this node or the centre found."""
    assert session.staff
    return reply(await findings.findings(node))


@get("/api/trail")
async def get_trail(node: TheNode, session: TheSession, limit: FromQuery[int] = 20) -> Response[bytes]:
    """The newest entries, without personal data."""
    assert session.staff
    return reply(await trail.recent(node, limit))


@post("/api/exchange", status_code=200)
async def post_exchange(node: TheNode, session: TheSession) -> Response[bytes]:
    """One exchange now, by who is on duty."""
    await duties.require(node, session, duties.EXCHANGE)
    return reply(await exchange.exchange(node))


@get("/api/events")
async def get_events(
    node: TheNode, session: TheSession, heard: FromQuery[int | None] = None
) -> ServerSentEvent:
    """Live events: card, entry, status, print, task, refetch, and a beat at least every two seconds.

    It begins with a refetch when something came after the event of number `heard`. The stream ends with the
    session, by a refetch that leads its pages to the sign-in page, and when the node stops.
    """
    return ServerSentEvent(_events(node, session, heard))


async def _events(node: Node, session: Session, heard: int | None) -> AsyncIterator[ServerSentEventMessage]:
    async for event in node.events.subscribe(BEAT_S, session.window, heard):
        if event is None or event.topic == "refetch":
            if await sign_in.session(node, session.id, acted=False) is None:
                yield ServerSentEventMessage(event="refetch", data="{}", retry=RETRY_MS)
                return
            yield ServerSentEventMessage(event=event.topic if event else "beat", data="{}", retry=RETRY_MS)
        else:
            yield ServerSentEventMessage(event=event.topic, data=msgspec.json.encode(event.payload).decode())


@get("/livez")
async def livez(node: TheNode) -> Response[bytes]:
    """The process works: its event loop answers and its store has not failed."""
    return reply({"live": not node.store.failed}, 503 if node.store.failed else 200)


@get("/readyz")
async def readyz(node: TheNode) -> Response[bytes]:
    """Whether queries can be answered now, and why not."""
    found = await status.status(node)
    return reply({"ready": not found.stopped, "reasons": found.stopped}, 503 if found.stopped else 200)


@get("/metrics")
async def metrics(request: Request[Any, Any, Any], node: TheNode) -> Response[bytes]:
    """Prometheus text; loopback or token only; no personal data in labels."""
    web.guard_metrics(request, node.settings.metrics_token)
    return Response(await exposition(node), media_type="text/plain; version=0.0.4")


async def exposition(node: Node) -> bytes:
    """The node's figures as Prometheus text: times of, not ages."""
    found = await status.status(node)
    figures = {
        "yizhan_ledger_entries": found.ledger.size,
        "yizhan_ledger_countersigned": found.ledger.countersigned_size,
        "yizhan_last_contact_ms": found.centre.last_contact or 0,
        "yizhan_open_tasks": found.open_tasks,
        "yizhan_stopped_reasons": len(found.stopped),
        "yizhan_disk_free_percent": node.store.free_percent(),
        "yizhan_line_open": int(found.mode == "online"),
    }
    lines = [f"# TYPE {name} gauge\n{name} {value}" for name, value in figures.items()]
    lines += [
        f'yizhan_lease_left_s{{capability="{lease.capability}",scope="{lease.scope}"}} {lease.left_s}'
        for lease in found.lease
    ]
    return ("\n".join(lines) + "\n").encode()


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise NotThere("not a day")
    return text


ROUTES = (
    get_status,
    open_session,
    close_session,
    latest_read,
    post_answer,
    post_own_trail,
    get_cases,
    get_tasks,
    post_task,
    get_prints,
    post_print,
    post_reprint,
    post_hand_over,
    get_report,
    get_day,
    post_day,
    get_findings,
    get_trail,
    post_exchange,
    get_events,
    livez,
    readyz,
    metrics,
)
"""Every address of the API; `edge.app` serves them beside the pages."""

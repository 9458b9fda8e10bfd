"""The node as a web application.

Pages, API, static files, live events, and everything that runs beside them.
"""

import asyncio
import gc
import re
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
import uvicorn
from litestar import Litestar, Request, Response, Router
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from edge.actions import clockwork, press, sign_in
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.api.routes import ROUTES
from edge.errors import EdgeError, SignInNeeded
from edge.hall.hall import Hall
from edge.schedule import Schedule
from edge.security import web
from edge.security.sessions import cookie_name
from edge.uplink.knock import Knock
from sync.errors import SyncError
from ui.headers import SECURITY_HEADERS
from ui.look import STATIC

log = structlog.get_logger("app")
BODY_BYTES_MAX = 1 << 20
GRACE_S = 3
_FIELD = re.compile(r"field `([a-z_]{1,40})`|at `\$\.([a-z_.]{1,80})")
WATCH_S = 1.0
SWITCH_S = 0.001
"""An answer passes the interpreter from thread to thread some ten times; beside an exchange that computes,
Python's own 5 ms each time would be most of it."""
Visitor = NamedDependency[Session | None]


def create_app(node: Node, pages: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The ASGI application over an opened node; what runs beside it is `serve`'s."""

    async def provide_node() -> Node:
        return node

    # Asks for the node though it has it: dependencies that wait for each other need no task group.
    async def provide_visitor(request: Request[Any, Any, Any], node: NamedDependency[Node]) -> Session | None:
        cookie = request.cookies.get(cookie_name(secure=node.settings.secure_cookies), "")
        return await sign_in.session(node, cookie, acted=web.acted(request))

    async def provide_session(request: Request[Any, Any, Any], visitor: Visitor) -> Session:
        if visitor is None:
            raise SignInNeeded("no session")
        await web.guard_request(request, visitor)
        return visitor

    api = Router(
        "/",
        route_handlers=ROUTES,
        dependencies={
            "node": Provide(provide_node),
            "visitor": Provide(provide_visitor),
            "session": Provide(provide_session),
        },
    )
    app = Litestar(
        [api, *pages, create_static_files_router("/static", [STATIC])],
        exception_handlers=ERRORS,
        openapi_config=OpenAPIConfig(
            title="Yizhan node", version="1", path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        after_request=_secured,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        debug=False,
    )
    app.state.node = node
    return app


async def _secured(response: Response[Any]) -> Response[Any]:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _json(body: Any, status: int) -> Response[bytes]:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


def _edge_error(_: Request[Any, Any, Any], error: EdgeError) -> Response[bytes]:
    log.info("refused", code=error.code)
    return _json({"code": error.code, "message": error.message, "next": error.next}, error.status)


def _sync_error(_: Request[Any, Any, Any], error: SyncError) -> Response[bytes]:
    log.warning("refused", code=error.code)
    words = {"zh": error.next_zh, "en": error.next_en}
    return _json({"code": error.code, "message": words, "next": words}, 422)


def _invalid(_: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """A body or parameter of another form: every field that is wrong is named; no value is repeated."""
    fields = [_named(one) for one in error.extra or [] if isinstance(one, dict)]
    message = {
        "zh": f"提交的内容有误：{'、'.join(fields) or '格式'}",
        "en": f"Wrong: {', '.join(fields) or 'form'}",
    }
    step = {
        "zh": "请改正后重新提交，未作任何改动。",
        "en": "Correct it and submit again; nothing was changed.",
    }
    return _json({"code": "malformed", "message": message, "missing": fields, "next": step}, 400)


def _named(flaw: dict[str, Any]) -> str:
    """The field a flaw is about; what is no name of a field could be a person and is not repeated."""
    found = _FIELD.search(str(flaw.get("message", "")))
    return found[1] or found[2] if found else str(flaw.get("key", ""))


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    message = {"zh": "请求无法处理。", "en": error.detail if error.status_code != 500 else "error"}  # noqa: PLR2004 -- a bug's text stays inside
    step = {"zh": "请核对地址和内容。", "en": "Check the address and the content."}
    return _json({"code": f"http-{error.status_code}", "message": message, "next": step}, error.status_code)


def _bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A bug: the log gets its type and place, the asker words; nothing was shown that is not durable."""
    log.error("bug", code=type(error).__name__, problem=_place(error), method=request.method)
    message = {"zh": "节点内部出错，本次操作未完成。", "en": "The node failed inside; this was not done."}
    step = {
        "zh": "请重试；再次出现请联系大厅管理员。",
        "en": "Try again; if it happens again tell the manager.",
    }
    return _json({"code": "internal", "message": message, "next": step}, 500)


def _place(error: BaseException) -> str:
    """The file and line an error comes from, without a value of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""


ERRORS: dict[int | type[Exception], Any] = {
    EdgeError: _edge_error,
    SyncError: _sync_error,
    ValidationException: _invalid,
    HTTPException: _http_error,
    Exception: _bug,
}
"""The one error table of the node's HTTP; pages put their own on their router."""


class Server(uvicorn.Server):
    """uvicorn, told to end the event streams first: an open stream would hold up the shutdown."""

    def __init__(self, config: uvicorn.Config, node: Node) -> None:
        super().__init__(config)
        self._node = node

    def handle_exit(self, sig: int, frame: Any) -> None:
        """On SIGTERM and SIGINT: close the streams, then stop, and end with our own exit code."""
        self._node.events.end()
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would raise the signal again after a clean stop


async def serve(
    node: Node, pages: Sequence[ControllerRouterHandler], sockets: Sequence[socket.socket], knock: Knock
) -> bool:
    """Boot, listen on bound `sockets`, serve until told to stop.

    True when the store failed and the process must be restarted; a bug beside the requests is raised.

    Leases are shredded and the tail is checked before the port opens.
    """
    await clockwork.boot(node)
    await node.typesetter.start()
    config = uvicorn.Config(
        create_app(node, pages),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Server(config, node)
    async with asyncio.TaskGroup() as group:
        tasks = [*_beside(group, node, server), group.create_task(node.uplink.heed(knock), name="knock")]
        sys.setswitchinterval(SWITCH_S)
        gc.freeze()  # what the start has made stays: no later collection walks through it
        gc.enable()
        await server.serve(list(sockets))
        for task in tasks:
            task.cancel()
    return bool(node.store.failed)


def _beside(group: asyncio.TaskGroup, node: Node, server: "Server") -> list[asyncio.Task[None]]:
    """Hall, press, schedule and the store's watch beside the requests; one that dies ends the process."""
    node.hall = Hall(node.devices, DeskOfNode(node))
    node.press_bell.set()
    node.line_bell.set()
    return [
        group.create_task(node.hall.run(), name="hall"),
        group.create_task(press.run(node), name="press"),
        group.create_task(Schedule(node).run(), name="schedule"),
        group.create_task(_watch_store(node, server), name="store watch"),
    ]


async def _watch_store(node: Node, server: Server) -> None:
    """Crash rule 5: after a commit error the process ends; it restarts with a full check of the tail."""
    while not node.store.failed:  # noqa: ASYNC110 -- the writer is a thread and sets a plain attribute
        await asyncio.sleep(WATCH_S)
    log.error("store", code="failed")
    server.handle_exit(signal.SIGTERM, None)

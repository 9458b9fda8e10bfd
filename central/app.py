"""The centre as a web application: API, console, static files, and the schedule beside them."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, MutableMapping, Sequence
from typing import Any

import structlog
import uvicorn
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.static_files import create_static_files_router

from central import schedule
from central.actions.centre import Centre
from central.api.doors import OCTETS
from central.api.table import ERRORS
from central.api.table import ROUTES as API
from central.pages.table import ROUTES as PAGES
from central.pages.table import STATIC as OWN_STATIC
from ui.headers import BYTES_HEADERS, SECURITY_HEADERS
from ui.look import STATIC

GRACE_S = 3
LOG_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "code", "job", "detail", "place", "origin", "size", "port", "host",
    }
)  # fmt: skip
"""The only fields a log line may have: sizes, codes, indexes; never names, numbers or search text."""


def application(centre: Centre, *, background: bool = True) -> Litestar:
    """The ASGI application over an open centre; with `background` its lifespan runs the schedule."""
    return Litestar(
        [*API, *PAGES, create_static_files_router("/static", [STATIC, OWN_STATIC])],
        state=State({"centre": centre}),
        lifespan=[lambda _: _running(centre)] if background else [],
        exception_handlers=ERRORS,
        openapi_config=OpenAPIConfig(
            title="Yizhan centre", version="1", path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        after_request=_secured,
        logging_config=None,
        debug=False,
    )


@contextlib.asynccontextmanager
async def _running(centre: Centre) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(schedule.run(centre), name="schedule")
        try:
            yield
        finally:
            task.cancel()


async def _secured(response: Response[Any]) -> Response[Any]:
    """What browsers are told; of a node's bytes only that they are bytes: half a kilobyte of a thin line."""
    for_nodes = isinstance(response, Response) and response.media_type == OCTETS  # a static file is neither
    for name, value in (BYTES_HEADERS if for_nodes else SECURITY_HEADERS).items():
        response.headers.setdefault(name, value)
    return response


class Server(uvicorn.Server):
    """uvicorn would raise the signal again after a clean stop and end us before the database is stopped."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """On SIGTERM and SIGINT: stop, and let our own shutdown run to its end."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


async def serve(centre: Centre, sockets: Sequence[socket.socket]) -> None:
    """Serve on bound `sockets` until told to stop (SIGTERM, SIGINT); stops within five seconds."""
    config = uvicorn.Config(
        application(centre, background=centre.settings.jobs),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
    )
    host, port = sockets[0].getsockname()[:2]
    structlog.get_logger("app").info("serving", host=host, port=port)
    await Server(config).serve(list(sockets))


def set_up_logs() -> None:
    """JSON lines on standard error with an allow-list of fields; foreign loggers only warn."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when a line is written
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def _allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in fields.items() if name in LOG_FIELDS}

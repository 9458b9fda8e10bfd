"""Every address for programs, one row each, and the error table they share."""

from typing import Any

import msgspec
import structlog
from litestar import Response, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException

from central.api import nodes, public
from central.api.doors import BODY_BYTES_MAX, REFUSALS, Asking, No, json, provide_centre
from central.errors import CentralError
from matters.model import Words
from sync.errors import (
    BadSignature,
    ClockApart,
    Fork,
    Gap,
    LimitExceeded,
    NotForUs,
    Revoked,
    SyncError,
    UnknownOrigin,
    WrongDestination,
    WrongOrigin,
)

log = structlog.get_logger("api")

STATUS: dict[type[SyncError], int] = {
    BadSignature: 401,
    ClockApart: 401,
    UnknownOrigin: 401,
    Revoked: 403,
    LimitExceeded: 413,
    Fork: 409,
    Gap: 409,
    WrongDestination: 421,
    WrongOrigin: 421,
    NotForUs: 421,
}
"""HTTP status by error class; every other SyncError is 400: the bytes are at fault."""


def sync_error(asking: Asking, error: SyncError) -> Response[bytes]:
    """What a node's bytes did wrong, and what to do."""
    REFUSALS.labels(code=error.code).inc()
    log.info("refused", code=error.code, detail=error.detail)
    words = Words(zh=error.next_zh, en=error.next_en)
    time_ms = asking.app.state.centre.now_ms() if isinstance(error, ClockApart) else msgspec.UNSET
    no = No(code=error.code, message=words, next=words, time_ms=time_ms)
    return json(no, STATUS.get(type(error), 400))


def central_error(_: Asking, error: CentralError) -> Response[bytes]:
    """An error of the centre's tree in its own words."""
    REFUSALS.labels(code=error.code).inc()
    log.info("refused", code=error.code)
    return json(No(code=error.code, message=error.words, next=error.next), error.status)


def http_error(_: Asking, error: HTTPException) -> Response[bytes]:
    """An address or body the framework refused; what was sent is not repeated."""
    said = Words(zh="请求无法处理。", en=f"cannot be processed ({error.status_code})")
    step = Words(zh="请核对地址和内容。", en="Check the address and the content.")
    return json(No(code=f"http-{error.status_code}", message=said, next=step), error.status_code)


def bug(_: Asking, error: Exception) -> Response[bytes]:
    """A bug: its type and place go to the log, words to the asker."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
    log.error("bug", code=type(error).__name__, place=place)
    said = Words(zh="中心内部出错，本次操作未完成。", en="the centre failed inside; this was not done")
    step = Words(zh="请稍后重试。", en="Try again shortly.")
    return json(No(code="internal", message=said, next=step), 500)


ERRORS: dict[int | type[Exception], Any] = {
    SyncError: sync_error,
    CentralError: central_error,
    HTTPException: http_error,
    Exception: bug,
}

ROUTES = (
    Router(
        path="/",
        route_handlers=[
            nodes.enrol_node,
            nodes.new_incarnation,
            nodes.known,
            nodes.exchange,
            nodes.standing,
            nodes.tile,
            nodes.files_wanted,
            nodes.file_chunk,
            nodes.pack,
            nodes.answers,
            public.trust,
            public.consistency,
            public.livez,
            public.readyz,
            public.metrics,
        ],
        dependencies={"centre": Provide(provide_centre)},
        exception_handlers=ERRORS,
        request_max_body_size=BODY_BYTES_MAX,
    ),
)

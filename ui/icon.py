"""The mark at the address browsers and PDF viewers ask for by themselves; pages name `/static/mark.svg`."""

from http import HTTPStatus

from litestar import Response, get

from ui.headers import SECURITY_HEADERS
from ui.look import STATIC

DAY_S = 86_400


@get("/favicon.ico", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def favicon() -> Response[bytes]:
    """The mark as SVG, open to anybody, kept by the browser for a day."""
    return Response(
        (STATIC / "mark.svg").read_bytes(),
        status_code=HTTPStatus.OK,
        media_type="image/svg+xml",
        headers={**SECURITY_HEADERS, "Cache-Control": f"public, max-age={DAY_S}"},
    )

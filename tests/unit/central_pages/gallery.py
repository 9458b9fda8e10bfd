"""The gallery: every page with invented figures, as real HTML behind the real headers, on a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import msgspec

from central.actions.centre import AdminSession
from central.pages import frame, screens
from central.pages.visitor import Visitor
from central.security.permissions import Role
from tests.unit.central_pages import rows, samples
from ui import headers, look

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
NAMES = {"nodes": "node", "": "fleet"}
HERE = {"node": "/", "new_node": "/", "paper": "/subject"}


@cache
def console() -> screens.Console:
    return screens.Console()


def visitor(role: str, lang: str) -> Visitor:
    session = None
    if role:
        session = AdminSession(
            id="s", admin=role, role=msgspec.convert(role, Role), csrf="mark", opened_ms=rows.NOW_MS
        )
    return Visitor(session=session, lang=lang, mark="mark", now_ms=rows.NOW_MS)


def render(template: str, role: str, view: object, lang: str) -> str:
    here = HERE.get(template, "/" if template == "fleet" else f"/{template}")
    shown = {"frame": frame.frame(visitor(role, lang), here), "view": view}
    return console().render(f"console/{template}.html", lang, shown)


def page(name: str, lang: str) -> str | None:
    for known, template, role, view in samples.PAGES:
        if known == name:
            return render(template, role, view, lang)
    return None


class Shelf(BaseHTTPRequestHandler):
    """Serves /<name> as a page and /static/… as both programs do."""

    def do_GET(self) -> None:  # the name http.server calls
        address = urlsplit(self.path)
        lang = look.language(parse_qs(address.query).get("lang", [""])[0], None)
        if address.path.startswith("/static/"):
            name = address.path.removeprefix("/static/")
            folder = next((one for one in (screens.STATIC, look.STATIC) if (one / name).is_file()), None)
            body = (folder / name).read_bytes() if folder else None
            self.answer(body, TYPES.get(name.rsplit(".", 1)[-1], "text/plain"))
        else:
            text = page(NAMES.get(address.path.split("/")[1], address.path.split("/")[1]), lang)
            self.answer(text.encode() if text else None, "text/html; charset=utf-8")

    def answer(self, body: bytes | None, kind: str) -> None:
        self.send_response(404 if body is None else 200)
        for name, value in headers.SECURITY_HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests speak."""


@contextmanager
def serving() -> Iterator[str]:
    """The gallery on a free port; yields its address, ends with the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

"""The gallery: every page from its sample view, served with the real headers and files, and a stream of events.

`python -m tests.browser.gallery` keeps it running for looking at; the tests start it on a free port. It has no
node behind it: forms lead to a page that lists what was posted, so that a test sees what a key press did.
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from edge.pages import views
from edge.pages.screen import PARTS, page, part
from tests.unit.ui import samples
from tests.unit.ui.sample_pages import PAGES
from ui.frame import Frame
from ui.headers import PAGE_CACHE, SECURITY_HEADERS
from ui.look import STATIC, language

KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
BEAT_S = 0.2
STREAM_S = 60


class Gallery(ThreadingHTTPServer):
    """A server of sample pages. `alive` False ends every stream and refuses new ones, as a dead node does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.alive = True
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.asked: list[str] = []
        self.pending: list[str] = []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.alive = False
        self.shutdown()
        self.server_close()

    def send_event(self, name: str) -> None:
        """Put one event on every open stream at its next beat."""
        self.pending.append(name)


class Reply(BaseHTTPRequestHandler):
    server: Gallery

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.server.asked.append(address.path)
        name = address.path.strip("/")
        if name == "api/events":
            return self.stream()
        if not self.server.alive:
            return self.send_error(503)
        if name.startswith("static/"):
            path = STATIC / name.removeprefix("static/")
            return self.reply(path.read_bytes(), KINDS[path.suffix])
        lang = language("".join(parse_qs(address.query).get("lang", [])), None)
        if name.startswith("parts/") and name.removeprefix("parts/") in PARTS:
            return self.reply(gallery_part(name.removeprefix("parts/"), lang).encode(), "text/html")
        if name == "livez" or name not in PAGES:
            return self.reply(name.encode(), "text/plain")
        return self.reply(gallery_page(name, lang).encode(), "text/html")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
        self.server.posts.append((urlsplit(self.path).path, form))
        self.reply(b"<!doctype html><title>posted</title><h1>posted</h1>", "text/html")

    def reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        for header, value in {**SECURITY_HEADERS, "Cache-Control": PAGE_CACHE}.items():
            self.send_header(header, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        if not self.server.alive:
            return self.send_error(503)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        sent = len(self.server.pending)
        end = time.monotonic() + STREAM_S
        while self.server.alive and time.monotonic() < end:
            news, sent = self.server.pending[sent:], len(self.server.pending)
            try:
                for name in ("beat", *news):
                    self.wfile.write(f"event: {name}\ndata: {{}}\n\n".encode())
                self.wfile.flush()
            except OSError:
                return None
            threading.Event().wait(BEAT_S)
        return None

    def log_message(self, *_: object) -> None:
        """Silent."""


def gallery_part(name: str, lang: str) -> str:
    side = samples.side(read=samples.card(), matter=True)
    own = {"delivery": "answer", "devices": "devices"}.get(name)
    view = PAGES[own][2]() if own else views.SideView(side=side)
    return part(name, None if name == "strip" else view, samples.frame(lang), samples.status())


def gallery_page(name: str, lang: str) -> str:
    here, mode, make = PAGES[name]
    signed_in = name not in {"signin", "signin-refused", "help", "broken"}
    frame = samples.frame(lang, here, mode)
    plain = Frame(lang=lang, brand="清河县市民之家", made_ms=samples.NOW)
    return page(make(), frame if signed_in else plain, samples.status(mode))


if __name__ == "__main__":
    with Gallery() as gallery:
        print(*(f"{gallery.address}/{name}" for name in PAGES), sep="\n")
        gallery.thread.join(timeout=3600)

"""A clerk's hands at a node, over the promised HTTP: sign in, lay a card, ask, look."""

import time
from typing import Any

import httpx

from tests.story.programs import Twin
from tests.waiting import until

READ_S = 5.0


class Clerk:
    """One clerk at one window. `url` is the node's address; `reader` the twin of the window's ID reader."""

    def __init__(self, url: str, reader: Twin) -> None:
        self.reader = reader
        self.http = httpx.Client(base_url=url, timeout=10)

    def sign_in(self, staff: str, password: str, window: str = "1") -> httpx.Response:
        """Open a session; later calls carry its cookie and CSRF token."""
        words = {"staff": staff, "password": password, "window": window}
        answer = self.http.post("/api/session", json=words)
        if answer.is_success:
            self.http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return answer

    def lay(self, card: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """Lay a card; return the read the page fills itself with, and the milliseconds it took to appear."""
        before = self._latest()
        begun = time.monotonic()
        self.reader.ask(do="lay", card=card)
        read = until(lambda: self._newer(before), f"the card of {card['name']} appears", READ_S, every_s=0.01)
        return read, (time.monotonic() - begun) * 1000

    def lift(self) -> None:
        """Take the card away."""
        self.reader.ask(do="lift")

    def ask(
        self, matter: str, read: dict[str, Any] | None = None, **more: Any
    ) -> tuple[httpx.Response, float]:
        """Send the query; return the response and the milliseconds until its last byte."""
        query: dict[str, Any] = {"matter": matter, "delivery": "print", "purpose": "self", **more}
        if read is not None:
            query["presence"] = {"read_id": read["read_id"]}
        begun = time.monotonic()
        answer = self.http.post("/api/answers", json=query)
        return answer, (time.monotonic() - begun) * 1000

    def status(self) -> dict[str, Any]:
        """The node's status, as promised in the interfaces."""
        return dict(self.http.get("/api/status").raise_for_status().json())

    def pdf(self, serial: str) -> bytes:
        """The A4 report's file, as the print page gives it."""
        return until(lambda: self._pdf(serial), f"the file of {serial}", 15)

    def _pdf(self, serial: str) -> bytes:
        answer = self.http.get(f"/api/reports/{serial}/report.pdf")
        return answer.content if answer.status_code == httpx.codes.OK else b""

    def _latest(self) -> str:
        answer = self.http.get("/api/reads/latest")
        return str(answer.json().get("read_id", "")) if answer.content and answer.is_success else ""

    def _newer(self, before: str) -> dict[str, Any] | None:
        answer = self.http.get("/api/reads/latest")
        if not answer.is_success or not answer.content:
            return None
        read = answer.json()
        return dict(read) if read and read.get("read_id") not in {None, "", before} else None

"""The knock on the centre's door while the node starts: is anybody there?

A node that has just started knows nothing of its line. It knocks from a thread while the rest of the program
is still being read in, so that the first clerk of the day does not wait a whole deadline for a line that
hangs. Any reply at all will do; whether it is the centre's is judged where replies are verified.
"""

import http.client
import ssl
import threading
import time
from urllib.parse import urlsplit

_SERVER_TROUBLE = 500


class Knock:
    """One request without content, begun with `start`; unanswered after `deadline_s`, nobody is there."""

    def __init__(self, url: str, deadline_s: float) -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._ends_s = time.monotonic() + deadline_s
        self._over = threading.Event()
        self._heard = False

    def start(self) -> None:
        """Begin, in a thread that nobody has to wait for."""
        self._ends_s = time.monotonic() + self._deadline_s
        threading.Thread(target=self._run, name="knock", daemon=True).start()

    def rest_s(self) -> float | None:
        """Seconds a question need wait at most while nobody has answered yet; None once it is decided."""
        return None if self._over.is_set() else max(0.0, self._ends_s - time.monotonic())

    def heard(self) -> bool:
        """Whether somebody answered; blocks until that is decided, at the deadline at the latest."""
        self._over.wait(max(0.0, self._ends_s - time.monotonic()))
        self._over.set()
        return self._heard

    def _run(self) -> None:
        try:
            self._heard = self._answered()
        except (OSError, ValueError, http.client.HTTPException):
            self._heard = False
        self._over.set()

    def _answered(self) -> bool:
        place = urlsplit(self._url)
        secure = place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        line = kind(place.hostname or "", place.port, timeout=self._deadline_s)
        try:
            line.request("GET", f"{place.path.rstrip('/')}/livez")
            return line.getresponse().status < _SERVER_TROUBLE
        except ssl.SSLError:
            return True  # somebody speaks; whom to trust is decided where replies are verified
        finally:
            line.close()

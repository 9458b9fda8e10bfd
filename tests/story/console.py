"""An administrator's browser without a browser: the console's forms as a person fills them in."""

import re

import httpx

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Console:
    """One administrator at the centre's console."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20, follow_redirects=True)

    def sign_in(self, name: str, password: str) -> None:
        """Sign in through the page's own form."""
        page = self.http.get("/signin")
        words = {"csrf": self._csrf(page.text), "name": name, "password": password}
        answer = self.http.post("/signin", data=words)
        assert answer.is_success, answer.text[:500]
        assert "password" not in answer.text or "退出" in answer.text, "not signed in"

    def trail(self, number: str, purpose: str) -> str:
        """The trail of one person, as the page shows it."""
        page = self.http.get("/trail").raise_for_status()
        words = {"csrf": self._csrf(page.text), "subject_number": number, "purpose": purpose}
        return self.http.post("/trail", data=words).raise_for_status().text

    def page(self, path: str) -> str:
        """A page's text."""
        return self.http.get(path).raise_for_status().text

    def _csrf(self, text: str) -> str:
        found = _CSRF.search(text)
        return found[1] if found else ""

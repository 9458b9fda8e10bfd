"""Planted personal data through every path of both real programs; then everything that must not hold it is searched."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.contract.interfaces.town import CARD, PLANTED_NAME, PLANTED_NUMBER, PLANTED_PHONE, Town
from tests.story.clients import Clerk
from tests.story.outside import planted
from tests.story.programs import Twin
from tests.waiting import until

WORDS = (PLANTED_NUMBER, PLANTED_NAME, PLANTED_PHONE)
MARK = re.compile(r'name="csrf" value="([^"]+)"')
ADDRESS = re.compile(r'(?:href|src|action|hx-get|hx-post|sse-connect|formaction)="([^"]*)"')
PAGES = ("/", "/cases", "/tasks", "/prints", "/day", "/line", "/devices", "/own-trail", "/help")
PURPOSE = "信访核查 XF-2026-118"


class Walk:
    """Everything a browser saw: addresses it was given, pages that said no."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=20)
        self.addresses: list[str] = []
        self.refusals: list[str] = []
        self.texts: list[str] = []
        self.mark = ""

    def see(self, reply: httpx.Response) -> httpx.Response:
        """Keep what this reply gives away."""
        found = MARK.search(reply.text)
        self.mark = found[1] if found else self.mark
        self.addresses += [reply.headers.get("location", ""), *ADDRESS.findall(reply.text)]
        self.texts.append(reply.text)
        if reply.status_code >= 400:
            self.refusals.append(reply.text)
        return reply

    def get(self, path: str) -> httpx.Response:
        return self.see(self.http.get(path))

    def post(self, path: str, **form: str) -> httpx.Response:
        reply = self.see(self.http.post(path, data={"csrf": self.mark, **form}))
        return self.get(reply.headers["location"]) if reply.status_code == 303 else reply


def at_the_window(town: Town) -> Walk:
    """A card, an answer with its report, a promise with a phone number, refusals, and every page."""
    clerk = Clerk(town.hall_url, Twin(town.reader_port))
    clerk.sign_in("li.min", town.password).raise_for_status()
    until(lambda: any(one["state"] == "ok" for one in clerk.status()["devices"]), "the reader is open", 20)
    read, _ = clerk.lay(CARD)
    walk = Walk(town.hall_url)
    walk.http = clerk.http
    for path in PAGES:
        assert walk.get(path).status_code == 200, path
    answered, _ = clerk.ask("public-credit.self", read)
    assert answered.status_code == 200, answered.text
    assert clerk.pdf(answered.json()["report"]["serial"])
    later, _ = clerk.ask("credit-bureau.self", read, phone=PLANTED_PHONE)
    assert later.status_code in {200, 202}, later.text
    subject = {"kind": "natural", "name": PLANTED_NAME, "number": PLANTED_NUMBER, "phone": PLANTED_PHONE}
    walk.see(clerk.ask("public-credit.authorised", subject=subject, requester=subject)[0])
    strange: Mapping[str, Any] = {PLANTED_NUMBER: 1}
    walk.see(clerk.ask("public-credit.self", read, **strange)[0])
    for path in (f"/cases/{PLANTED_NUMBER}", f"/api/reports/{PLANTED_NAME}/report.pdf", f"/{PLANTED_PHONE}"):
        assert walk.see(clerk.http.get(path)).status_code == 404
    by_page(walk)
    for path in (*PAGES, f"/cases/{answered.json()['case']}"):
        assert walk.get(path).status_code == 200, path
    clerk.lift()
    return walk


def by_page(walk: Walk) -> None:
    """The same through the forms, with what was typed in them."""
    walk.get("/")
    walk.post("/serve/choose", choice="public-credit.authorised:natural-natural")
    shown = walk.post(
        "/serve/papers", subject_name=PLANTED_NAME, subject_number=PLANTED_NUMBER, phone="不是号码"
    )
    assert PLANTED_NAME in shown.text, "the clerk sees what was typed"


def at_the_centre(town: Town) -> Walk:
    """The auditor searches for the planted person, by every form and by wrong addresses."""
    walk = Walk(town.url)
    walk.get("/signin")
    walk.post("/signin", name="audit", password=town.administrators["audit"])
    walk.get("/trail")
    found = walk.post(
        "/trail", number=PLANTED_NUMBER, subject=PLANTED_NUMBER, q=PLANTED_NUMBER, purpose=PURPOSE
    )
    assert found.status_code < 500, found.text
    walk.get("/subject")
    seen = walk.post("/subject", number=PLANTED_NUMBER, purpose=PURPOSE)
    assert seen.status_code == 200, seen.text
    for path in ("/reports", "/findings", "/acts", "/reconciliation", "/administrators", "/verify", "/"):
        walk.get(path)
    assert walk.get(f"/nodes/{PLANTED_NUMBER}").status_code in {403, 404}
    strange = httpx.Client(base_url=town.url, timeout=20)
    code = {"code": PLANTED_NUMBER, "signing": PLANTED_NAME, "sealing": PLANTED_PHONE}
    walk.see(strange.post("/api/enrol", json=code))
    walk.see(strange.post("/api/answers", content=f"{PLANTED_NUMBER} {PLANTED_NAME}".encode()))
    walk.see(strange.post("/signin", data={"name": PLANTED_NAME, "password": PLANTED_NUMBER}))
    return walk


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def arguments(town: Town) -> list[str]:
    """Command lines and environments of every process of the town, and of its database server."""
    roots = [process.pid for process in town.running if process.poll() is None]
    roots.append(int((town.data / "pg" / "postmaster.pid").read_text().split()[0]))
    pids = {pid for root in roots for pid in family(root)}
    assert len(pids) > len(roots), "the programs have children, and they are looked at too"
    places = [Path("/proc") / str(pid) / name for pid in pids for name in ("cmdline", "environ")]
    return [place.read_bytes().decode(errors="replace") for place in places]


def leaked(texts: list[str]) -> list[Any]:
    """Which planted words stand in which text."""
    return [(word, text[:200]) for text in texts for word in WORDS if word in text]


def test_planted_personal_data_never_reaches_logs_metrics_or_urls(open_town: Town) -> None:
    town = open_town
    window, centre = at_the_window(town), at_the_centre(town)
    assert PLANTED_NAME in "".join(window.texts), "the flow really carried the planted person"
    assert PLANTED_NUMBER in "".join(centre.texts) or PLANTED_NUMBER[-4:] in "".join(centre.texts)
    town.edge("exchange")
    metrics = [httpx.get(url + "/metrics", timeout=10).text for url in (town.url, town.hall_url)]
    status = httpx.get(town.hall_url + "/api/status", timeout=10).text
    logs = [town.log(name) for name in ("centre", "hall", "reader")]
    assert any(log.strip() for log in logs), "somebody said something"
    assert not leaked(logs)
    assert not leaked(metrics)
    assert not leaked([status])
    assert not leaked(window.addresses + centre.addresses), "no address holds a person"
    assert window.refusals
    assert centre.refusals
    assert not leaked(centre.refusals + window.refusals), "no page that says no repeats a person"
    assert not leaked(arguments(town))
    assert not planted(town.scratch, list(WORDS)), "no temporary file holds a person"
    assert not planted(town.hall, list(WORDS)), "nothing can be read in the node's files"
    assert not planted(town.data, list(WORDS)), "nothing can be read in the centre's files"

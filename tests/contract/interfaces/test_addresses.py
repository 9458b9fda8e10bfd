"""`interfaces.md`, the HTTP part, on the real programs: documents, health, metrics, and every no in words."""

import httpx
import pytest

from tests.contract.interfaces.town import PLANTED_NUMBER, Town

PROGRAMS = ("centre", "hall")


def address(town: Town, program: str) -> str:
    return town.url if program == "centre" else town.hall_url


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_openapi_document_names_every_address_for_programs(open_town: Town, program: str) -> None:
    reply = httpx.get(address(open_town, program) + "/schema/openapi.json", timeout=10)
    assert reply.status_code == 200
    document = reply.json()
    assert document["openapi"].startswith("3.")
    paths = set(document["paths"])
    wanted = {
        "centre": {"/api/enrol", "/api/exchange", "/api/packs/{digest}", "/api/answers", "/api/trust"},
        "hall": {"/api/status", "/api/session", "/api/answers", "/api/events", "/api/reads/latest"},
    }
    assert wanted[program] <= paths
    assert {path for path in paths if not path.startswith("/api/")} <= {"/livez", "/readyz", "/metrics"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_health_and_metrics_are_where_they_are_promised(open_town: Town, program: str) -> None:
    base = address(open_town, program)
    assert httpx.get(base + "/livez", timeout=10).status_code == 200
    ready = httpx.get(base + "/readyz", timeout=10)
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    metrics = httpx.get(base + "/metrics", timeout=10)
    assert metrics.status_code == 200
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "# TYPE yizhan_" in metrics.text


def test_the_status_of_a_node_has_every_promised_key(open_town: Town) -> None:
    found = httpx.get(open_town.hall_url + "/api/status", timeout=10).json()
    assert {"origin", "centre", "ledger", "lease", "lanes", "devices", "clock"} <= set(found)
    assert {"reachable", "last_contact"} <= set(found["centre"])
    assert {"size", "root", "countersigned_size", "oldest_unacknowledged_age_s"} <= set(found["ledger"])
    assert all({"capability", "left_s", "state"} <= set(lease) for lease in found["lease"])
    assert all({"name", "kind", "state", "last_ok"} <= set(device) for device in found["devices"])
    assert "state" in found["clock"]
    assert bytes.fromhex(found["ledger"]["root"])


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/no-such-thing", None, {404}),
        ("DELETE", "/api/answers", None, {405}),
        ("POST", "/api/answers", b"{", {400, 401}),
        ("POST", "/api/exchange", b"not a batch", {400, 401}),
    ],
)
def test_a_no_to_a_program_is_one_json_document_with_code_words_and_the_next_step(
    open_town: Town, program: str, method: str, path: str, body: bytes | None, status: set[int]
) -> None:
    reply = httpx.request(method, address(open_town, program) + path, content=body, timeout=10)
    assert reply.status_code in status, reply.text
    said = reply.json()
    assert {"code", "message", "next"} <= set(said)
    assert said["message"]["zh"]
    assert said["message"]["en"]
    assert said["next"]["zh"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_was_sent_is_never_repeated_by_a_no(open_town: Town, program: str) -> None:
    base = address(open_town, program)
    for reply in (
        httpx.get(f"{base}/api/{PLANTED_NUMBER}", timeout=10),
        httpx.get(f"{base}/{PLANTED_NUMBER}", timeout=10),
        httpx.post(base + "/api/answers", content=PLANTED_NUMBER.encode(), timeout=10),
    ):
        assert reply.status_code in {303, 400, 401, 404}
        assert PLANTED_NUMBER not in reply.text
        assert PLANTED_NUMBER not in reply.headers.get("location", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_icon_browsers_ask_for_by_themselves_is_there_and_pages_name_the_same(
    open_town: Town, program: str
) -> None:
    base = address(open_town, program)
    icon = httpx.get(base + "/favicon.ico", timeout=10)
    assert icon.status_code == 200
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert b"<svg" in icon.content
    assert httpx.get(base + "/static/mark.svg", timeout=10).content == icon.content
    assert '<link rel="icon" href="/static/mark.svg' in httpx.get(base + "/signin", timeout=10).text

"""Who may use which address: one row each. A new route fails the tests until it has its row here.

needs   open     anybody, signed in or not
        session  whoever is signed in at this node
        permit   a clerk with the matter's permit; another clerk is refused, and that is an entry
        own      the clerk of that open case only
        node     (centre) the signature of an enrolled node that is not revoked
        code     (centre) a one-time code
        local    (centre) this machine only
"""

import msgspec


class Right(msgspec.Struct, frozen=True):
    """One address and what it needs."""

    method: str
    path: str
    needs: str


NODE = tuple(
    Right(*row)
    for row in (
        ("GET", "/api/status", "open"),
        ("POST", "/api/session", "open"),
        ("DELETE", "/api/session", "session"),
        ("GET", "/api/reads/latest", "session"),
        ("POST", "/api/answers", "permit"),
        ("POST", "/api/own-trail", "permit"),
        ("GET", "/api/cases", "session"),
        ("GET", "/api/tasks", "session"),
        ("POST", "/api/tasks/{task_id}", "session"),
        ("GET", "/api/prints", "session"),
        ("POST", "/api/prints/{job_id}", "session"),
        ("POST", "/api/reports/{serial}/reprint", "session"),
        ("POST", "/api/reports/{serial}/hand-over", "session"),
        ("GET", "/api/reports/{serial}/report.pdf", "own"),
        ("GET", "/api/day/{day}", "session"),
        ("POST", "/api/day", "session"),
        ("GET", "/api/findings", "session"),
        ("GET", "/api/trail", "session"),
        ("POST", "/api/exchange", "session"),
        ("GET", "/api/events", "session"),
        ("GET", "/livez", "open"),
        ("GET", "/readyz", "open"),
        ("GET", "/metrics", "open"),
        ("GET", "/schema", "open"),
        ("GET", "/schema/openapi.json", "open"),
        ("GET", "/schema/{path}", "open"),
        ("GET", "/static/{file_path}", "open"),
        ("GET", "/signin", "open"),
        ("POST", "/signin", "open"),
        ("POST", "/signout", "session"),
        ("GET", "/", "session"),
        ("POST", "/serve/choose", "session"),
        ("POST", "/serve/card", "session"),
        ("POST", "/serve/papers", "session"),
        ("POST", "/serve/ask", "session"),
        ("POST", "/serve/finish", "session"),
        ("GET", "/own-trail", "session"),
        ("POST", "/own-trail", "session"),
        ("GET", "/parts/strip", "open"),
        ("GET", "/parts/delivery", "session"),
        ("GET", "/parts/{name}", "session"),
        ("GET", "/cases", "session"),
        ("GET", "/cases/{number}", "session"),
        ("GET", "/tasks", "session"),
        ("POST", "/tasks/{task}/finish", "session"),
        ("GET", "/prints", "session"),
        ("POST", "/prints/{job}/confirm", "session"),
        ("POST", "/prints/reprint", "session"),
        ("POST", "/prints/handover", "session"),
        ("GET", "/prints/{serial}/report.pdf", "own"),
        ("GET", "/day", "session"),
        ("POST", "/day/close", "session"),
        ("GET", "/line", "session"),
        ("POST", "/line/exchange", "session"),
        ("GET", "/devices", "session"),
        ("GET", "/help", "open"),
        ("GET", "/patterns", "session"),
    )
)

CENTRE = tuple(
    Right(*row)
    for row in (
        ("POST", "/api/enrol", "code"),
        ("POST", "/api/exchange", "node"),
        ("POST", "/api/answers", "node"),
        ("GET", "/api/packs/{digest}", "open"),
        ("GET", "/api/trust", "open"),
        ("GET", "/livez", "open"),
        ("GET", "/readyz", "open"),
        ("GET", "/metrics", "local"),
    )
)
"""The pages of the centre have their own table: `central/security/permissions.py`, shown by `tests/contract/console`."""

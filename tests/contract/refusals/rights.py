"""Who may use which address: one row each. A new route fails the tests until it has its row here.

needs   open     anybody, signed in or not
        session  whoever is signed in at this node
        permit   a clerk with the matter's permit; another clerk is refused, and that is an entry
        own      the clerk of that open case only
duty     a supervisor, the hall manager, or a clerk with the permit `duty`; another is refused, an entry too
paper    whoever is signed in, for the papers of their window and their cases; on duty, for every paper
        node     (centre) the signature of an enrolled node that is not revoked
        code     (centre) a one-time code
        certificate  (centre) what the centre signed for a node, and a request signed by its key
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
        ("POST", "/api/prints/{job_id}", "paper"),
        ("POST", "/api/reports/{serial}/reprint", "paper"),
        ("POST", "/api/reports/{serial}/hand-over", "paper"),
        ("GET", "/api/reports/{serial}/report.pdf", "own"),
        ("GET", "/api/day/{day}", "session"),
        ("POST", "/api/day", "duty"),
        ("GET", "/api/findings", "session"),
        ("GET", "/api/trail", "session"),
        ("POST", "/api/exchange", "duty"),
        ("GET", "/api/events", "session"),
        ("GET", "/livez", "open"),
        ("GET", "/readyz", "open"),
        ("GET", "/metrics", "open"),
        ("GET", "/schema", "open"),
        ("GET", "/schema/openapi.json", "open"),
        ("GET", "/schema/{path}", "open"),
        ("GET", "/static/{file_path}", "open"),
        ("GET", "/favicon.ico", "open"),
        ("GET", "/signin", "open"),
        ("POST", "/signin", "open"),
        ("POST", "/signin/card", "open"),
        ("POST", "/signout", "session"),
        ("GET", "/", "session"),
        ("POST", "/serve/choose", "session"),
        ("POST", "/serve/card", "session"),
        ("POST", "/serve/chip", "session"),
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
        ("POST", "/cases/{number}/photos", "paper"),
        ("GET", "/cases/{number}/photos/{digest}", "paper"),
        ("GET", "/tasks", "session"),
        ("POST", "/tasks/{task}/finish", "session"),
        ("GET", "/prints", "session"),
        ("POST", "/prints/{job}/confirm", "paper"),
        ("POST", "/prints/reprint", "paper"),
        ("POST", "/prints/summary", "own"),
        ("POST", "/prints/handover", "paper"),
        ("POST", "/prints/blocks", "duty"),
        ("POST", "/prints/blocks/return", "duty"),
        ("POST", "/prints/sheets/void", "paper"),
        ("GET", "/prints/{serial}/report.pdf", "own"),
        ("GET", "/day", "session"),
        ("POST", "/day/close", "duty"),
        ("POST", "/day/findings/{finding}/owner", "duty"),
        ("POST", "/day/findings/{finding}/note", "duty"),
        ("GET", "/line", "session"),
        ("POST", "/line/exchange", "duty"),
        ("POST", "/line/lease", "duty"),
        ("GET", "/courier", "session"),
        ("POST", "/courier/import", "duty"),
        ("POST", "/courier/export", "duty"),
        ("GET", "/devices", "session"),
        ("GET", "/parts/devices", "session"),
        ("POST", "/devices/test", "session"),
        ("POST", "/devices/hand", "session"),
        ("GET", "/devices/picture", "session"),
        ("GET", "/printers", "session"),
        ("POST", "/printers", "session"),
        ("POST", "/printers/test", "session"),
        ("GET", "/help", "open"),
        ("GET", "/patterns", "session"),
    )
)

CENTRE = tuple(
    Right(*row)
    for row in (
        ("POST", "/api/enrol", "code"),
        ("POST", "/api/exchange", "node"),
        ("POST", "/api/exchange/{batch}/{held}", "node"),
        ("GET", "/api/standing", "node"),
        ("POST", "/api/answers", "node"),
        ("POST", "/api/incarnation", "node"),
        ("POST", "/api/known", "certificate"),
        ("POST", "/api/recount", "node"),
        ("GET", "/api/files/{skip}", "node"),
        ("POST", "/api/files", "node"),
        ("GET", "/api/packs/{digest}", "open"),
        ("GET", "/api/trust", "open"),
        ("GET", "/api/consistency/{old}/{new}", "open"),
        ("GET", "/livez", "open"),
        ("GET", "/readyz", "open"),
        ("GET", "/metrics", "local"),
    )
)
"""The pages of the centre have their own table: `central/security/permissions.py`, shown by `tests/contract/console`."""

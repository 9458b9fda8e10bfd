"""What a node keeps of what the centre published, judged: signed states (P2), consent (P7), level in the end (P8)."""

import hashlib

from central.actions import offers
from central.store import fleet
from edge.store import holdings
from sync.packs.pack import BUCKETS, STATE_MAGIC, buckets
from tests.simulation.book import Book
from tests.simulation.offence import demand
from tests.simulation.place import Place

CONSENT = {"consent-withdrawn": True, "consent-given": False}
_HASH = hashlib.sha256().digest_size
_EMPTY = buckets(())[0]
_HELD = "SELECT scope, data_class, version, seen, state_root, state, lacking FROM release_held"
_ROWS = {
    "detail": "SELECT ref, digest FROM subject_cache JOIN shelf ON shelf = number WHERE held = 1 AND scope = ?",
    "staff": "SELECT ref, digest FROM plain_row JOIN shelf ON shelf = number WHERE held = 1 AND scope = ?",
}
_UNLISTED = [
    f"SELECT 1 FROM {table} WHERE shelf NOT IN (SELECT number FROM shelf)" for table in holdings.TABLES
]


class Shelf:
    """The data sets of one node as it said at the last look, and who withdrew consent by its own ledger."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._stood: dict[str, tuple[object, ...]] = {}
        self._closed: set[str] = set()
        self._read = 0
        for line in book.before:
            self._consent(line.entry.outcome, line.entry.object)

    def look(self) -> None:
        """Whatever changed since the last look is what the centre signed; no answer against consent."""
        for line in self._book.lines[self._read :]:
            self._consent(line.entry.outcome, line.entry.object)
            cached = line.kind == "access.answered" and line.entry.mode == "cached" and not line.first_place
            told = cached and line.entry.subject_ref.hex() in self._closed
            demand(not told, "P7", f"entry {line.entry.index} answers from the cache without consent")
        self._read = len(self._book.lines)
        for scope, data_class, version, seen, *state in self._book.query(_HELD):
            before = self._stood.get(scope, (0, 0))
            demand(seen >= before[1], "P2", f"{scope}: the highest release seen went back to {seen}")
            demand(version in {0, seen}, "P2", f"{scope}: release {version} is in force, {seen} was seen")
            stands = (version, seen, *state)
            if version and stands != before:
                self._signed(scope, data_class, *state)
            self._stood[scope] = stands

    def _consent(self, outcome: str, ref: str) -> None:
        if CONSENT.get(outcome):
            self._closed.add(ref)
        elif outcome in CONSENT:
            self._closed.discard(ref)

    def _signed(self, scope: str, data_class: str, root: bytes, state: bytes, lacking: bytes) -> None:
        """Each bucket is what the root names, or empty and known to be lacking."""
        demand(hashlib.sha256(state).digest() == root, "P2", f"{scope}: the buckets kept are not the root's")
        mine = buckets((row[0], row[1]) for row in self._book.query(_ROWS[data_class], scope))
        for number in range(BUCKETS):
            at = len(STATE_MAGIC) + number * _HASH
            wanted = _EMPTY if number in lacking else state[at : at + _HASH]
            demand(mine[number] == wanted, "P2", f"{scope}: bucket {number} is not what the centre signed")


async def judge_shelf(place: Place, book: Book, node: str) -> None:
    """Every data set this node may hold is there, in the newest version and row by row, and no other (P8)."""
    centre = place.centre
    async with centre.store.reading() as tx:
        kept = await fleet.node(tx, node)
        assert kept is not None
        names = await offers.scopes_of(centre, tx, kept)
    rows = await place.witness.fetch("SELECT scope, version FROM scope WHERE scope = ANY ($1)", list(names))
    wanted = {row["scope"]: row["version"] for row in rows if row["version"]}
    held = {row[0]: row[1] for row in book.query("SELECT scope, version FROM release_held WHERE version > 0")}
    demand(held == wanted, "P8", f"the node holds {held}, in force for it are {wanted}")
    for scope in wanted:
        there = await place.witness.fetch("SELECT ref, digest FROM scope_row WHERE scope = $1", scope)
        here = {(row[0], row[1]) for sql in _ROWS.values() for row in book.query(sql, scope)}
        demand(here == {(row["ref"], row["digest"]) for row in there}, "P8", f"rows of {scope} differ")
    closed = await place.witness.fetch("SELECT ref FROM consent_withdrawn")
    garbage = sum(len(book.query(sql)) for sql in _UNLISTED)
    demand(not garbage, "P2", f"{garbage} rows of releases that were broken off are left")
    cached = {row[0] for row in book.query("SELECT ref FROM subject_cache")}
    demand(not cached & {row["ref"] for row in closed}, "P7", "a subject without consent is still held")

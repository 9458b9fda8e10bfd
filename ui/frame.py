"""What every page of both programs stands in: who is here, where one can go, how the page stays live."""

import msgspec

from matters.model import Words


class NavLink(msgspec.Struct, frozen=True, kw_only=True):
    """One door in the bar. `count` is shown also when 0; None means there is nothing to count."""

    path: str
    label: Words
    count: int | None = None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The values `ui/layout.html` needs, besides the blocks a page fills.

    `brand` is the hall or platform; `who` the person with their place; `under` one quiet line below it (both
    empty before sign-in). `here` is the `path` of the current door. `csrf` is put into every form. `live` is
    the address of the event stream, empty where a page is not live; `made_ms` is when this page was made.
    `practice` stands across every page of a training node.
    """

    lang: str
    brand: str
    who: str = ""
    under: str = ""
    nav: tuple[NavLink, ...] = ()
    here: str = ""
    csrf: str = ""
    live: str = ""
    practice: Words | None = None
    made_ms: int

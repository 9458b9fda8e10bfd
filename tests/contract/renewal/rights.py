"""A matter with free units that may be given offline: the public-credit report with the bureau's quota."""

from collections.abc import Mapping

import msgspec

from matters.catalogue.load import builtin
from matters.model import Matter

MATTER = "public-credit.self"


def catalogue() -> Mapping[str, Matter]:
    """The builtin catalogue, the public-credit report counted like the bureau's."""
    known = builtin()
    counted = msgspec.structs.replace(known[MATTER], quota=known["credit-bureau.self"].quota)
    return {**known, MATTER: counted}

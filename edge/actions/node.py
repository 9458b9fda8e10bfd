"""The node as every action sees it: what is connected, handed down once, never looked up."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge.security.session import Session
from matters.model import Matter

if TYPE_CHECKING:
    from edge.hall.events import Events
    from edge.hall.hall import Hall
    from edge.settings import Settings
    from edge.store.identity import Identity
    from edge.store.store import Store
    from edge.typeset.typesetter import Typesetter
    from edge.uplink.line import Uplink

__all__ = ["Node", "Session"]


class Node:
    """One running hall. Holds connected parts only; all facts are in `store`."""

    data: Path
    settings: "Settings"
    store: "Store"
    identity: "Identity"
    catalogue: Mapping[str, Matter]
    hall: "Hall"
    uplink: "Uplink"
    events: "Events"
    typesetter: "Typesetter"

    def now_ms(self) -> int:
        """Wall-clock Unix milliseconds, never before the newest time this node ever persisted."""
        return self.store.clock.now_ms()

"""What the centre sends back: how far it is, its countersignature, and what the node must do or fetch."""

from typing import Any

import msgspec


class Directive(msgspec.Struct, frozen=True, kw_only=True):
    """One letter in a node's ordered mailbox. `kind` is a row of `sync.messages.directives.DIRECTIVES`.

    `number` rises by one per node; the node says the highest it has durably obeyed as `directive_seen`, and the
    centre repeats what lies above. `body` holds JSON values only.
    """

    number: int
    kind: str
    body: dict[str, Any]

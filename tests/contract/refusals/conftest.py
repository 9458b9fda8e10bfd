"""The prepared node of the edge's own tests and the database server of the centre's; nothing new is doubled."""

from tests.contract.central.conftest import server, stage
from tests.contract.edge.conftest import centre, clerk, fresh_centre, node, opener, prepared, told

__all__ = ["centre", "clerk", "fresh_centre", "node", "opener", "prepared", "server", "stage", "told"]

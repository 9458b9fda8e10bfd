"""Commands of the technician: new incarnations, backups that come back, key slots."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

Command = Callable[..., argparse.ArgumentParser]
WithNode = Callable[[argparse.Namespace, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
REASONS = ("rollback", "clone", "disk-lost", "key-compromised", "planned")


def register(commands: Any, command: Command, with_node: WithNode) -> None:
    """Add these commands; `command` makes one, `with_node` runs an action on the opened node."""
    _incarnation(commands, command, with_node)


def _incarnation(commands: Any, command: Command, with_node: WithNode) -> None:
    async def run(options: argparse.Namespace) -> tuple[Any, int]:
        from edge.actions.incarnation import renew

        done = await with_node(
            options, lambda node: renew(node, options.reason, code=options.code, anew=options.again)
        )
        return done, 0

    one = command(
        commands,
        "incarnation",
        run,
        "申请换代，批准后启用 / a new incarnation, once approved",
    )
    one.add_argument("--reason", required=True, choices=REASONS, help="why the history ends")
    one.add_argument("--code", default="", help="a one-time code, where the old key is no longer trusted")
    one.add_argument("--again", action="store_true", help="offer other new keys than last time")

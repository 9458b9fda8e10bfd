"""Old and new software side by side: a centre that knows less than the node, and one that says more."""

from random import Random

import msgspec

from central.actions.mailbox import PURPOSE, _place
from central.store import contacts
from central.store.contacts import Letter
from tests.simulation.desk import NEWER_LETTER
from tests.simulation.world import World


async def mixed(world: World, dice: Random) -> None:
    """The centre is put back to a program that knows neither slim headers nor the dictionary, or forward again;
    or it is newer and writes a letter of a kind this node does not know.
    """
    if dice.random() < 0.5:
        world.door.older = not world.door.older
        if world.door.older:
            world.count("centre-older")
        return
    world.count("letter-newer")
    await newer_letter(world, dice.choice(world.sides).hall.origin)


async def newer_letter(world: World, origin: str) -> None:
    """A letter of a kind nobody here has heard of; it is noted, passed, and blocks nothing (P6)."""
    centre = world.place.centre
    async with centre.store.transaction() as tx:
        number = await contacts.reserve(tx, origin, 1)
        body = msgspec.json.encode({"cups": 2})
        sealed = centre.keys.seal(PURPOSE, _place(origin, number), body)
        letter = Letter(number=number, kind=NEWER_LETTER, body_sealed=sealed, created_ms=centre.now_ms())
        await contacts.post(tx, origin, [letter])

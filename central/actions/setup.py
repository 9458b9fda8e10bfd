"""A new centre.

Keys, settings, schema, its own ledger, the three administrators; and opening one that is there.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from central.actions.centre import Centre
from central.actions.own_ledger import Draft, record
from central.errors import SettingsInvalid, WrongKey
from central.security import keys, passwords
from central.security.permissions import ROLES
from central.settings import Settings, read, write_new
from central.store import embedded, ledger, migrate, people
from central.store.database import Dsn, Store
from central.store.people import Administrator
from central.store.tables import APP, OWNER
from central.upstream.bureau import Bureau
from matters.catalogue.load import builtin
from matters.model import Matter, Words

_ANOTHER_FOLDER = Words(
    zh="未作任何改动。启动请用 central serve；另建中心请用 --data 指定空文件夹。",
    en="Nothing was changed. Start it with central serve, or name an empty folder with --data.",
)
FOLDERS = ("keys", "packs", "courier")


class NewAdministrator(msgspec.Struct, frozen=True, kw_only=True):
    """An administrator and the password shown once."""

    name: str
    password: str


class Initialised(msgspec.Struct, frozen=True, kw_only=True):
    """What `init` shows once: keep the recovery key offline, hand the passwords to three persons."""

    authority: str
    administrators: tuple[NewAdministrator, ...]
    recovery: str


def wall_ms() -> int:
    """The machine's clock in Unix milliseconds: what a running centre uses."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def opened(
    data: Path,
    *,
    now_ms: Callable[[], int] = wall_ms,
    catalogue: Mapping[str, Matter] | None = None,
    database: str = migrate.DATABASE,
) -> AsyncIterator[Centre]:
    """The centre of DATA, ready.

    Database running, schema current. Everything is closed when the block ends. Raises WrongKey, before
    anything is done, when a key in DATA is not the one the database was begun with.
    """
    settings = read(data)
    keyring = keys.load(data)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_store(data, settings, database))
        await migrate.migrate(store, now_ms())
        await _own_keys(store, keyring)
        bureau = Bureau(settings.bureau_url, settings.bureau_deadline_ms) if settings.bureau_url else None
        if bureau is not None:
            stack.push_async_callback(bureau.close)
        yield Centre(
            data=data,
            settings=settings,
            store=store,
            keys=keyring,
            now_ms=now_ms,
            bureau=bureau,
            catalogue=builtin() if catalogue is None else catalogue,
        )


async def _own_keys(store: Store, keyring: keys.Keyring) -> None:
    """Compare the keys with the marks of the first opening; the first opening writes them."""
    marks = keyring.marks()
    async with store.transaction() as tx:
        held = await people.key_marks(tx)
        if not held:
            await people.add_key_marks(tx, marks)
            return
    strange = sorted(name for name, mark in marks.items() if held.get(name) != mark)
    if strange:
        raise WrongKey(
            f"密钥 {'、'.join(strange)} 与本数据库不符，未作任何操作。",
            f"{', '.join(strange)} is not the key this database was begun with; nothing was done",
        )


@asynccontextmanager
async def _store(data: Path, settings: Settings, database: str) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        dsn = Dsn(app=settings.database, owner=settings.database_owner)
        if not settings.database:
            address = await stack.enter_async_context(embedded.running(data))
            await migrate.prepare_embedded(address, database)
            dsn = Dsn(app=address.dsn(APP, database), owner=address.dsn(OWNER, database))
        store = await Store.open(dsn)
        stack.push_async_callback(store.close)
        yield store


def prepare(data: Path, authority: str) -> str:
    """Folders, keys and settings of a new centre; the recovery key (hex), shown once.

    Raises SettingsInvalid where DATA is a centre already: nothing is overwritten.
    """
    if (data / "keys" / keys.NAMES[0]).exists():
        raise SettingsInvalid(
            "此数据目录已初始化。", "this data folder is a centre already", next_words=_ANOTHER_FOLDER
        )
    for folder in FOLDERS:
        (data / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    recovery = keys.create(data)
    write_new(data, authority)
    return recovery.hex()


async def initialise(data: Path, authority: str, *, passwords_final: bool = False) -> Initialised:
    """Make a new centre in DATA; durable when this returns.

    With `passwords_final` (demonstrations only) the one-time passwords need not be changed at the first
    sign-in.
    """
    recovery = prepare(data, authority)
    async with opened(data) as centre:
        administrators = await found(centre, passwords_final=passwords_final)
    return Initialised(authority=authority, administrators=administrators, recovery=recovery)


async def found(centre: Centre, *, passwords_final: bool = False) -> tuple[NewAdministrator, ...]:
    """The first entry of the centre's ledger and the three administrators, in one transaction."""
    made = tuple(NewAdministrator(name=role, password=passwords.one_time()) for role in ROLES)
    async with centre.store.transaction() as tx:
        await ledger.open_head(tx, centre.origin)
        await record(centre, tx, Draft(kind="ledger.opened", actor="centre", object=centre.origin))
        for one, role in zip(made, ROLES, strict=True):
            sealed = passwords.seal(one.password)
            row = Administrator(name=one.name, role=role, password=sealed, must_change=not passwords_final)
            await people.add_administrator(tx, row)
            draft = Draft(kind="admin.changed", actor="centre", object=f"administrator {one.name}")
            await record(centre, tx, draft)
    return made

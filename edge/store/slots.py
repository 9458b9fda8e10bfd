"""Key slots: the database key, wrapped once for everyone who may open it (protocol.md section 6).

`DATA/keys/slots.json` holds the wrapped key. Kinds:

    machine   AES-256-GCM under the systemd credential `yizhan-machine-key` where there is one, else under
              `DATA/keys/machine.key` (0600): what the node starts with
    manager   HPKE to a key derived from a passphrase with Argon2id
    county    HPKE to a key of which any two of three officers hold the shares (`edge.store.shares`)
    escrow    HPKE to the centre's sealing key

The public half of every HPKE slot stands in the file, so that a rotated key is sealed to all of them without
asking anybody. Rotation: `slots.next.json` with the new key → the database is rekeyed → it replaces
`slots.json`; `unlock` finishes what a crash broke off, by asking the database which key fits.
"""

import base64
import os
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edge.errors import Damaged, NotEnrolled, WrongKey
from edge.store import cipher, shares
from edge.store.cipher import DatabaseKey
from edge.store.files import sync_folder, write_durably
from sync.errors import UNREADABLE, SyncError
from sync.signing.escrow import open_slot, seal_slot
from sync.signing.keys import SealingKey

CREDENTIAL = "yizhan-machine-key"
DATABASE = "node.db"
KEY_BYTES = 32
SALT_BYTES = 16
_AAD = b"yizhan/slot/1/"
ARGON_MEMORY_KIB = 64 * 1024
ARGON_PASSES = 3
ARGON_LANES = 4

Kind = Literal["machine", "manager", "county", "escrow"]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One way to open the database; all bytes base64.

    `wrapped`: nonce || AES-256-GCM(key || salt) for the machine, an HPKE seal of the same to `public` for the
    others. `stem` is the node such a seal is bound to, empty in slots from before 2026-11-22. `salt` is the
    passphrase's.
    """

    id: str
    kind: Kind
    created_ms: int
    wrapped: str = ""
    public: str = ""
    stem: str = ""
    salt: str = ""


class SlotFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it stands on disk."""

    version: int
    slots: tuple[Slot, ...]


def create(data: Path, now_ms: int) -> DatabaseKey:
    """A new database key with its machine slot; durable when this returns.

    Existing slots are opened instead.
    """
    if _path(data).exists():
        return unlock(data)
    database = fresh()
    write(data, (machine_slot(data, database, now_ms),))
    return database


def fresh() -> DatabaseKey:
    """A new random database key."""
    return DatabaseKey(key=secrets.token_bytes(KEY_BYTES), salt=secrets.token_bytes(SALT_BYTES))


def machine_slot(data: Path, database: DatabaseKey, now_ms: int) -> Slot:
    """The slot of this machine; its key file is made where there is neither a credential nor a file."""
    if _credential() is None and not (data / "keys" / "machine.key").exists():
        write_durably(data / "keys" / "machine.key", secrets.token_bytes(KEY_BYTES))
    wrapped = _wrap(_machine_key(data), database, "machine")
    return Slot(id="machine", kind="machine", created_ms=now_ms, wrapped=wrapped)


def sealed(slot: Slot, public: bytes, database: DatabaseKey) -> Slot:
    """The slot, around `database`: it opens with the private half of `public`."""
    wrapped = seal_slot(public, slot.stem, slot.id, database.key + database.salt)
    return msgspec.structs.replace(slot, wrapped=_text(wrapped), public=_text(public))


def passphrase_key(passphrase: str, salt: bytes) -> SealingKey:
    """The key a passphrase stands for: Argon2id, 64 MiB, three passes; half a second on a small machine."""
    derive = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=ARGON_PASSES,
        lanes=ARGON_LANES,
        memory_cost=ARGON_MEMORY_KIB,
    )
    return SealingKey.from_bytes(derive.derive(passphrase.encode()))


def open_with_passphrase(found: tuple[Slot, ...], passphrase: str) -> DatabaseKey:
    """The database key by any manager slot. Raises WrongKey."""
    for slot in found:
        if slot.kind == "manager":
            try:
                return open_sealed_slot(slot, passphrase_key(passphrase, _bytes(slot.salt, slot.id)))
            except WrongKey:
                continue
    raise WrongKey("no manager slot opens with this passphrase")


def open_with_shares(found: tuple[Slot, ...], texts: tuple[str, ...]) -> DatabaseKey:
    """The database key by two shares of the county's three. Raises WrongKey."""
    key = SealingKey.from_bytes(shares.join(texts))
    for slot in found:
        if slot.kind == "county" and _bytes(slot.public, slot.id) == key.public:
            return open_sealed_slot(slot, key)
    raise WrongKey("no county slot opens with these shares")


def open_with_machine_key(found: tuple[Slot, ...], machine: bytes) -> DatabaseKey:
    """The database key by the key file of the machine the slots are of. Raises WrongKey."""
    if len(machine) != KEY_BYTES:
        raise WrongKey(f"machine key has {len(machine)} bytes")
    for slot in found:
        if slot.kind == "machine":
            return _unwrap(machine, slot)
    raise WrongKey("no machine slot")


def open_sealed_slot(slot: Slot, key: SealingKey) -> DatabaseKey:
    """The database key of an HPKE slot. Raises WrongKey where the key does not fit."""
    try:
        return parse_key(open_slot(key, slot.stem, slot.id, _bytes(slot.wrapped, slot.id)))
    except SyncError as error:
        raise WrongKey(f"slot {slot.id} does not open with this key") from error


def parse_key(plain: bytes) -> DatabaseKey:
    """Key and salt of 48 bytes. Raises Damaged."""
    if len(plain) != KEY_BYTES + SALT_BYTES:
        raise Damaged("a slot holds a key of another length")
    return DatabaseKey(key=plain[:KEY_BYTES], salt=plain[KEY_BYTES:])


def rewrapped(data: Path, found: tuple[Slot, ...], database: DatabaseKey) -> tuple[Slot, ...]:
    """The same slots around another database key: nobody has to be asked."""
    made = []
    for slot in found:
        if slot.kind == "machine":
            made.append(msgspec.structs.replace(slot, wrapped=_wrap(_machine_key(data), database, slot.id)))
        else:
            made.append(sealed(slot, _bytes(slot.public, slot.id), database))
    return tuple(made)


def write(data: Path, found: tuple[Slot, ...]) -> None:
    """Replace the slot file; durable when this returns."""
    write_durably(_path(data), _encoded(found))


def prepare(data: Path, found: tuple[Slot, ...]) -> None:
    """Rotation, step 1: the slots of the new key beside the ones in force; durable when this returns."""
    write_durably(_next(data), _encoded(found))


def promote(data: Path) -> None:
    """Rotation, last step: the prepared slots are the ones in force."""
    _next(data).replace(_path(data))
    sync_folder(_path(data).parent)


def unlock(data: Path) -> DatabaseKey:
    """The database key by the machine slot; a rotation that a crash broke off is finished or forgotten.

    Raises NotEnrolled when there are no slots, WrongKey when no slot opens, Damaged when the slot file is
    garbled.
    """
    if _next(data).exists():
        new = _opened(data, read(_next(data)))
        if _rekeyed(data / DATABASE, new):
            promote(data)
        else:
            _next(data).unlink()
            sync_folder(_path(data).parent)
    return _opened(data, slots(data))


def _rekeyed(database: Path, new: DatabaseKey) -> bool:
    """Whether the database is already under `new`; while its journal stands SQLite will put the old back."""
    if not database.exists() or database.with_name(f"{database.name}-journal").exists():
        return False
    return cipher.any_page_fits(database, new, pages_max=1)


def _opened(data: Path, found: tuple[Slot, ...]) -> DatabaseKey:
    return open_with_machine_key(found, _machine_key(data))


def slots(data: Path) -> tuple[Slot, ...]:
    """The slots of this node, as listed by `edge keys list`."""
    if not _path(data).exists():
        raise NotEnrolled("no key slots")
    return read(_path(data))


def read(path: Path) -> tuple[Slot, ...]:
    """The slots of a file. Raises Damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SlotFile).slots
    except UNREADABLE as error:
        raise Damaged(f"{path.name}: {error}") from error


def _path(data: Path) -> Path:
    return data / "keys" / "slots.json"


def _next(data: Path) -> Path:
    return data / "keys" / "slots.next.json"


def _encoded(found: tuple[Slot, ...]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(SlotFile(version=1, slots=found)))


def _credential() -> bytes | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL
    return path.read_bytes() if folder and path.exists() else None


def _machine_key(data: Path) -> bytes:
    key = _credential()
    if key is None:
        path = data / "keys" / "machine.key"
        if not path.exists():
            raise WrongKey("machine key is absent")
        key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise WrongKey(f"machine key has {len(key)} bytes")
    return key


def _wrap(key: bytes, database: DatabaseKey, slot_id: str) -> str:
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, database.key + database.salt, _AAD + slot_id.encode())
    return _text(nonce + sealed)


def _unwrap(key: bytes, slot: Slot) -> DatabaseKey:
    raw = _bytes(slot.wrapped, slot.id)
    try:
        return parse_key(AESGCM(key).decrypt(raw[:12], raw[12:], _AAD + slot.id.encode()))
    except InvalidTag as error:
        raise WrongKey(f"slot {slot.id} does not open with this machine's key") from error
    except ValueError as error:
        raise Damaged(f"slot {slot.id} is garbled") from error


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str, slot_id: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Damaged(f"slot {slot_id} is garbled") from error

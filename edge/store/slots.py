"""Key slots: the database key, wrapped once for everyone who may open it (protocol.md section 6).

`DATA/keys/slots.json` holds the wrapped key; the machine slot's own key is the systemd credential
`yizhan-machine-key` where there is one, else `DATA/keys/machine.key` (0600).
"""

import base64
import os
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import Damaged, NotEnrolled, WrongKey
from edge.store.cipher import DatabaseKey
from edge.store.files import write_durably

CREDENTIAL = "yizhan-machine-key"
KEY_BYTES = 32
_AAD = b"yizhan/slot/1/"


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One way to open the database. `wrapped` is nonce || AES-256-GCM(key || salt), base64."""

    id: str
    kind: Literal["machine", "manager", "county", "escrow"]
    created_ms: int
    wrapped: str


class SlotFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it stands on disk."""

    version: int
    slots: tuple[Slot, ...]


def create(data: Path, now_ms: int) -> DatabaseKey:
    """A new database key with its machine slot; durable when this returns.

    Existing slots are opened instead.
    """
    if (data / "keys" / "slots.json").exists():
        return unlock(data)
    database = DatabaseKey(key=secrets.token_bytes(KEY_BYTES), salt=secrets.token_bytes(16))
    if _credential() is None and not (data / "keys" / "machine.key").exists():
        write_durably(data / "keys" / "machine.key", secrets.token_bytes(KEY_BYTES))
    wrapped = _wrap(_machine_key(data), database, "machine")
    slot = Slot(id="machine", kind="machine", created_ms=now_ms, wrapped=wrapped)
    write_durably(
        data / "keys" / "slots.json",
        msgspec.json.format(msgspec.json.encode(SlotFile(version=1, slots=(slot,)))),
    )
    return database


def unlock(data: Path) -> DatabaseKey:
    """The database key by the machine slot.

    Raises NotEnrolled when there are no slots, WrongKey when no slot opens, Damaged when the slot file is
    garbled.
    """
    machine = _machine_key(data)
    for slot in slots(data):
        if slot.kind == "machine":
            return _unwrap(machine, slot)
    raise WrongKey("no machine slot")


def slots(data: Path) -> tuple[Slot, ...]:
    """The slots of this node, as listed by `edge keys list`."""
    path = data / "keys" / "slots.json"
    if not path.exists():
        raise NotEnrolled("no key slots")
    try:
        return msgspec.json.decode(path.read_bytes(), type=SlotFile).slots
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Damaged(f"slots.json: {error}") from error


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
    return base64.b64encode(nonce + sealed).decode()


def _unwrap(key: bytes, slot: Slot) -> DatabaseKey:
    try:
        raw = base64.b64decode(slot.wrapped, validate=True)
        plain = AESGCM(key).decrypt(raw[:12], raw[12:], _AAD + slot.id.encode())
    except InvalidTag as error:
        raise WrongKey(f"slot {slot.id} does not open with this machine's key") from error
    except ValueError as error:
        raise Damaged(f"slot {slot.id} is garbled") from error
    return DatabaseKey(key=plain[:KEY_BYTES], salt=plain[KEY_BYTES:])

"""What the centre holds about one subject, opened from storage. The same bytes go into packs."""

import msgspec

from central.security.keys import Keyring
from central.store.records import Held
from matters.model import Matter
from matters.quota import UnitsSpent
from matters.records import Record, SubjectRecord

SUBJECT = "subject"
RECORD = "record"


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A subject with its records; `subject` None where only records are held."""

    subject: SubjectRecord | None
    records: tuple[Record, ...]


class _Blob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    subject: msgspec.Raw
    records: tuple[msgspec.Raw, ...]
    spent: tuple[UnitsSpent, ...] = ()


_ENCODER = msgspec.json.Encoder()
_SUBJECTS = msgspec.json.Decoder(SubjectRecord)
_RECORDS = msgspec.json.Decoder(Record)


def body(value: SubjectRecord | Record) -> bytes:
    """The bytes that are sealed for storage."""
    return _ENCODER.encode(value)


def place(ref: bytes, record_id: str = "") -> bytes:
    """What a stored body is bound to."""
    return ref + record_id.encode()


def opened(keys: Keyring, held: Held) -> Dossier:
    """Subject and records of what is stored; raises StoreRefused where a body does not open."""
    subject, parts = _plain(keys, held)
    return Dossier(
        subject=_SUBJECTS.decode(subject) if subject else None,
        records=tuple(_RECORDS.decode(part) for part in parts),
    )


def blob(keys: Keyring, held: Held) -> bytes | None:
    """The subject's blob for a detail pack (`{"subject", "records", "spent"}`), without decoding.

    `spent` is there only where units were: nodes count them offline (protocol 9).

    None without a subject.
    """
    subject, parts = _plain(keys, held)
    if not subject:
        return None
    return _ENCODER.encode(
        _Blob(
            subject=msgspec.Raw(subject),
            records=tuple(msgspec.Raw(part) for part in parts),
            spent=held.spent,
        )
    )


def stated(matter: Matter, subject: SubjectRecord) -> SubjectRecord:
    """The subject as an answer of that matter may state it.

    Where only public records are shown, no sex, birth, address.
    """
    if matter.openness != "public":
        return subject
    return msgspec.structs.replace(subject, sex="", birth=None, address="")


def _plain(keys: Keyring, held: Held) -> tuple[bytes, list[bytes]]:
    subject = keys.unseal(SUBJECT, place(held.ref), held.subject_sealed) if held.subject_sealed else b""
    parts = [keys.unseal(RECORD, place(held.ref, name), sealed) for name, sealed in held.records]
    return subject, parts

"""The centre's keys, one file each under DATA/keys (folder 0700, files 0600), and sealing of what is stored.

signing.key   Ed25519: countersignatures, certificates, releases, leases, the centre's own ledger
sealing.key   X25519: batches and queries are sealed to it
recovery.pub  X25519 public half; the private half is shown once by `init` and kept offline
subject.key   HMAC key of subject references, the jurisdiction's; enrolled nodes get it sealed
storage.key   what is stored about persons is sealed under keys derived from it
salt.key      salts of the centre's own ledger
"""

import functools
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from central.errors import SettingsInvalid, StoreRefused
from sync.ids import subject_ref
from sync.signing.keys import SealingKey, SigningKey

FOLDER = "keys"
NAMES = ("signing.key", "sealing.key", "recovery.pub", "subject.key", "storage.key", "salt.key")
_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, kw_only=True, repr=False)
class Keyring:
    """All keys of the centre; `repr` shows none."""

    signing: SigningKey
    sealing: SealingKey
    recovery: bytes
    subject: bytes
    storage: bytes
    salt: bytes

    def ref(self, number: str) -> bytes:
        """The 16 bytes that stand for a subject."""
        return subject_ref(self.subject, number)

    def seal(self, purpose: str, place: bytes, plaintext: bytes) -> bytes:
        """`plaintext` sealed for storage.

        Only as `purpose`, only at `place` (a row's key) does it open again.
        """
        return self.seal_each(purpose, [(place, plaintext)])[0]

    def seal_each(self, purpose: str, things: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """`seal` of each (place, plaintext), their nonces drawn at once."""
        cipher, drawn = _cipher(self.storage, purpose), os.urandom(_NONCE_BYTES * len(things))
        nonces = [drawn[at : at + _NONCE_BYTES] for at in range(0, len(drawn), _NONCE_BYTES)]
        return [
            nonce + cipher.encrypt(nonce, plaintext, place)
            for nonce, (place, plaintext) in zip(nonces, things, strict=True)
        ]

    def unseal(self, purpose: str, place: bytes, sealed: bytes) -> bytes:
        """The plaintext.

        Raises StoreRefused where key, purpose, place or bytes differ: damage or another DATA.
        """
        try:
            return _cipher(self.storage, purpose).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise StoreRefused(
                f"存储内容（{purpose}）无法用中心的存储密钥打开。",
                f"stored {purpose} does not open with the centre's storage key",
                "",
            ) from error

    def fresh_key(self) -> bytes:
        """A new content key, 32 random bytes."""
        return os.urandom(_KEY_BYTES)

    def marks(self) -> dict[str, bytes]:
        """One 16-byte mark a key file, which tells the key and does not give it away."""
        held = {
            "signing.key": self.signing.seed(),
            "sealing.key": self.sealing.seed(),
            "recovery.pub": self.recovery,
            "subject.key": self.subject,
            "storage.key": self.storage,
            "salt.key": self.salt,
        }
        return {
            name: hmac.digest(key, b"yizhan/key-mark/1/" + name.encode(), "sha256")[:16]
            for name, key in held.items()
        }

    def tag(self, content: bytes) -> bytes:
        """16 bytes that tell equal contents apart from others, and nothing to who lacks the key."""
        return hashlib.blake2b(content, digest_size=16, key=self.storage).digest()


@functools.lru_cache(maxsize=64)
def _cipher(storage: bytes, purpose: str) -> AESGCM:
    return AESGCM(hmac.digest(storage, b"yizhan/stored/1/" + purpose.encode(), "sha256"))


def create(data: Path) -> bytes:
    """Make every key of a new centre; the recovery key's private 32 bytes, to be shown once and kept offline.

    Durable when this returns. Raises SettingsInvalid when DATA already holds keys: keys are never
    overwritten.
    """
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SettingsInvalid(
            "此数据目录已有密钥，不会覆盖。", "this data folder already has keys; not overwritten"
        )
    recovery = SealingKey.generate()
    contents = {
        "signing.key": SigningKey.generate().seed(),
        "sealing.key": SealingKey.generate().seed(),
        "recovery.pub": recovery.public,
        "subject.key": os.urandom(_KEY_BYTES),
        "storage.key": os.urandom(_KEY_BYTES),
        "salt.key": os.urandom(_KEY_BYTES),
    }
    for name in NAMES:
        _write(folder / name, contents[name])
    _sync_folder(folder)
    return recovery.seed()


def load(data: Path) -> Keyring:
    """The keys of DATA; raises SettingsInvalid naming the file that is missing or of the wrong length."""
    held = {name: _read(data / FOLDER / name) for name in NAMES}
    return Keyring(
        signing=SigningKey.from_bytes(held["signing.key"]),
        sealing=SealingKey.from_bytes(held["sealing.key"]),
        recovery=held["recovery.pub"],
        subject=held["subject.key"],
        storage=held["storage.key"],
        salt=held["salt.key"],
    )


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsInvalid(
            f"读不到密钥 {path.name}，请先运行 init。", f"cannot read key {path.name}; run init first"
        ) from error
    if len(content) != _KEY_BYTES:
        raise SettingsInvalid(f"密钥 {path.name} 长度不对。", f"key {path.name} has the wrong length")
    return content


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

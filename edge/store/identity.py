"""Who this node is: its keys, its certificate, and the centre it answers to.

All of it lives in the encrypted store.
"""

import msgspec

from edge.errors import NotEnrolled
from edge.store.cipher import Connection
from sync.batch.view import CentreKeys
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.keys import SealingKey, SigningKey


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an entry, a batch or a request is signed, sealed and addressed with."""

    origin: str
    authority: str
    signing: SigningKey
    sealing: SealingKey
    salt_key: bytes
    subject_key: bytes
    certificate: Certificate
    centre: CentreKeys

    def __repr__(self) -> str:
        """Shows the origin only."""
        return f"Identity(origin={self.origin!r})"


class Seeds(msgspec.Struct, frozen=True, kw_only=True):
    """The node's own secrets, made before it is enrolled; a repeated enrolment finds them again."""

    signing: SigningKey
    sealing: SealingKey
    salt_key: bytes

    def __repr__(self) -> str:
        """Shows nothing."""
        return "Seeds()"


def read_secrets(connection: Connection) -> dict[str, bytes]:
    """All named secrets of the store."""
    return {str(name): bytes(value) for name, value in connection.execute("SELECT name, value FROM secret")}


def seeds(secrets_: dict[str, bytes]) -> Seeds | None:
    """The node's own keys, None before the first enrolment began."""
    if "signing" not in secrets_:
        return None
    return Seeds(
        signing=SigningKey.from_bytes(secrets_["signing"]),
        sealing=SealingKey.from_bytes(secrets_["sealing"]),
        salt_key=secrets_["salt"],
    )


def identity(secrets_: dict[str, bytes]) -> Identity | None:
    """The enrolled identity, None before enrolment is complete.

    The certificate is verified again each time.
    """
    own = seeds(secrets_)
    if own is None or "certificate" not in secrets_:
        return None
    centre = msgspec.json.decode(secrets_["centre"], type=CentreKeys)
    certificate = open_certificate(secrets_["certificate"], centre.signing)
    if certificate.signing != own.signing.public:
        raise NotEnrolled("the certificate is for another key")
    return Identity(
        origin=certificate.origin,
        authority=certificate.origin.split("/", 1)[0],
        signing=own.signing,
        sealing=own.sealing,
        salt_key=own.salt_key,
        subject_key=secrets_["subject_key"],
        certificate=certificate,
        centre=centre,
    )


def past_signer(secrets_: dict[str, bytes], incarnation: int) -> tuple[SigningKey, Certificate] | None:
    """The signing key and certificate of an ended incarnation; None where that key was destroyed."""
    seed, signed = (
        secrets_.get(f"past.{incarnation}.signing"),
        secrets_.get(f"past.{incarnation}.certificate"),
    )
    if seed is None or signed is None:
        return None
    centre = msgspec.json.decode(secrets_["centre"], type=CentreKeys)
    return SigningKey.from_bytes(seed), open_certificate(signed, centre.signing)

"""Whether a staff card signed: by the key of its certificate, within the certificate's time."""

import datetime as dt

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.chips import StaffCard


def signed(card: StaffCard, challenge: bytes, signature: bytes, now_ms: int) -> bool:
    """True for an ECDSA signature (P-256, SHA-256) of this very card over the challenge, made in its time."""
    now = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
    try:
        certificate = x509.load_der_x509_certificate(card.certificate)
        key = certificate.public_key()
        timely = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if not timely or not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, challenge, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True

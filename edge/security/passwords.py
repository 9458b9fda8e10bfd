"""Argon2id through `cryptography`, as PHC strings that come down with the staff."""

import secrets

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY_KIB = 19 * 1024
ROUNDS = 2
LANES = 1
BYTES_MAX = 1024
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$OcPkERkl8cdnep53tGTSVg$6GKKQKKFxGS/OcA9KIdqaNOVo2nbMTCw1T2FcvyxAGo"
"""Checked when the name is unknown, so that an unknown name takes as long as a wrong password."""


def hash_password(password: str) -> str:
    """A PHC string with a fresh salt (19 MiB, 2 rounds: the OWASP floor, about 30 ms on a small node)."""
    kdf = Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=ROUNDS, lanes=LANES, memory_cost=MEMORY_KIB
    )
    return str(kdf.derive_phc_encoded(password.encode()))


def fits(phc: str, password: str) -> bool:
    """Whether the password is the one behind `phc`; False for a PHC string that cannot be read.

    Takes CPU time.
    """
    material = password.encode()
    if not phc or len(material) > BYTES_MAX:
        return False
    try:
        Argon2id.verify_phc_encoded(material, phc)
    except (InvalidKey, ValueError, UnsupportedAlgorithm):
        return False
    return True

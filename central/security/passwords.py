"""Passwords: Argon2id as PHC strings; one-time passwords and enrolment codes people can read aloud."""

import hashlib
import os
import secrets

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from matters.model import Refusal, Words

LENGTH_MIN = 15
LENGTH_MAX = 256
_SALT_BYTES = 16
_HASH_BYTES = 32
_ITERATIONS = 3
_LANES = 4
_MEMORY_KIB = 64 * 1024
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that looks like something else; 5 bits each
_CODE_GROUPS = 4
_GROUP = 4
_PLAIN = ("password", "123456", "qwerty", "yizhan", "admin", "abc123")


def seal(password: str) -> str:
    """The PHC string of a password (Argon2id, 64 MiB, 3 passes, 4 lanes.

    About 150 ms: not on the event loop).
    """
    made = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return made.derive_phc_encoded(password.encode())


def seal_small(password: str) -> str:
    """The PHC string of a clerk's password (19 MiB, 2 passes, 1 lane): a small node must check it quickly."""
    made = Argon2id(
        salt=os.urandom(_SALT_BYTES), length=_HASH_BYTES, iterations=2, lanes=1, memory_cost=19 * 1024
    )
    return made.derive_phc_encoded(password.encode())


def fits(password: str, sealed: str) -> bool:
    """Whether the password is the one behind the PHC string; same cost as `seal`."""
    if len(password) > LENGTH_MAX:
        return False
    try:
        Argon2id.verify_phc_encoded(password.encode(), sealed)
    except (InvalidKey, ValueError):
        return False
    return True


def objection(password: str, name: str) -> Refusal | None:
    """Why this may not be a password (at least 15 characters, not the name, not a plain one), or None."""
    lowered = password.lower()
    plain = any(word in lowered for word in _PLAIN) or len(set(password)) < _GROUP
    if LENGTH_MIN <= len(password) <= LENGTH_MAX and name.lower() not in lowered and not plain:
        return None
    return Refusal(
        code="password-weak",
        message=Words(
            zh=f"新密码不合要求：至少 {LENGTH_MIN} 个字符，不得含用户名或常见词。",
            en=f"the new password needs at least {LENGTH_MIN} characters, without your name or common words",
        ),
        rule="口令策略",
        next=Words(zh="可用几个不相干的词组成一句话。", en="Use a few unrelated words as a sentence."),
    )


def one_time() -> str:
    """A one-time password or enrolment code: 80 random bits in four groups of four letters and figures."""
    letters = [secrets.choice(_ALPHABET) for _ in range(_CODE_GROUPS * _GROUP)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP))


def token() -> str:
    """A session cookie's value: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(value: str) -> bytes:
    """What is stored of a session token."""
    return hashlib.sha256(b"yizhan/session/1" + value.encode()).digest()

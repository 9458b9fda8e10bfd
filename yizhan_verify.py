"""Check a Yizhan report without a network: the PDF, the text of its QR code, or its evidence file.

One file, one dependency (`cryptography`), no code shared with the program that signs. Usable as a command
(`yizhan-verify REPORT.pdf --trust KEYS`) and as a module (`verify`). Exit codes: 0 genuine, 1 not, 2 usage.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE_BYTES_MAX = 64 * 1024 * 1024
TOKEN_CHARACTERS_MAX = 2048
PROOF_HASHES_MAX = 64
STATUSES = ("final", "provisional", "superseded")
STATUS_WORDS = (
    ("正式", "final"),
    ("暂定：据缓存数据出具，待中心核定", "provisional: from cached data, not yet confirmed by the centre"),
    ("已被替代：请索取新报告", "superseded: ask for the new report"),
)
REASONS = {
    "genuine": ("真实：由该机构节点签发，内容未改动。", "Genuine: issued by this authority, unaltered."),
    "no-token": ("未找到验证码：不是驿站报告，或已被去除。", "No token: not a Yizhan report, or removed."),
    "malformed": ("验证码无法识别。", "The token cannot be read."),
    "unknown-version": ("验证码版本较新，请更新本工具。", "The token is newer: update this tool."),
    "wrong-authority": ("不是该机构签发的。", "Not issued by this authority."),
    "not-vouched": ("签发节点未经中心认证。", "The issuing node was not vouched for by the centre."),
    "expired-key": ("签发时节点证书已过期。", "The node's certificate had expired at issue."),
    "revoked": ("签发节点已被中心吊销。", "The issuing node has been revoked by the centre."),
    "bad-signature": ("签名不符：内容被改动或伪造。", "The signature does not fit: altered or forged."),
    "file-unsigned": ("文件没有签名，无法确认内容。", "The file carries no signature."),
    "file-altered": ("文件在签发后被改动。", "The file was altered after issue."),
    "two-tokens": ("文件含有多个不同的验证码。", "The file carries different tokens."),
    "not-in-ledger": ("证明与台账不符。", "The proof does not lead to the ledger's root."),
    "not-countersigned": ("检查点缺少节点或中心的签名。", "The checkpoint lacks a signature."),
}
_TOKEN = re.compile(rb"yzt:(YZ1\.[A-Za-z0-9_-]{1,2048})")
_FILE = re.compile(rb"yzf:([A-Za-z0-9_-]{86})(?![A-Za-z0-9_-])")
_NOTE_LINE = re.compile(r"— (\S+) (\S+)")
_STEP = (
    "请核对报告与公钥文件的路径（公钥文件由中心用 central trust --json 导出）；用法见 --help。",
    "Check the paths of report and key file (central trust --json writes it); see --help.",
)
_BEIJING = dt.timezone(dt.timedelta(hours=8))


class NotGenuineError(Exception):
    """The answer is no; `code` is a key of REASONS; `since_ms` is when a revoked node was withdrawn."""

    def __init__(self, code: str, since_ms: int | None = None) -> None:
        self.code, self.since_ms = code, since_ms
        super().__init__(REASONS[code][1])


class UsageError(Exception):
    """The question cannot be asked: trust file or argument unreadable; `words` in zh and en."""

    def __init__(self, zh: str, en: str) -> None:
        self.words = zh, en
        super().__init__(en)


@dataclasses.dataclass(frozen=True)
class Trust:
    """Whom we believe: one authority, its centre's key, and the origins it has revoked.

    A revoked origin has the Unix milliseconds since when, None where the file does not say.
    """

    authority: str
    centre_name: str
    centre_key: bytes
    revoked: dict[str, int | None]


@dataclasses.dataclass(frozen=True)
class Token:
    """The fields of a QR text, every signature checked."""

    serial: str
    origin: str
    index: int
    leaf_hash: bytes
    status: int
    as_of_ms: int
    issued_ms: int
    facts_digest: bytes
    signing: bytes
    not_after_ms: int


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found. `token` is None where not even that could be believed."""

    kind: str
    reason: str
    token: Token | None = None
    since_ms: int | None = None

    @property
    def genuine(self) -> bool:
        """Whether everything holds."""
        return self.reason == "genuine"


def verify(material: bytes, trust: Trust) -> Result:
    """Judge the bytes of a PDF, a QR text, or an evidence file against the published keys."""
    kind, check = _kind(material)
    try:
        return Result(kind, "genuine", check(material, trust))
    except NotGenuineError as error:
        return Result(kind, error.code, since_ms=error.since_ms)


def read_trust(text: str) -> Trust:
    """The trust file as published by the centre; raises `UsageError` naming what is wrong."""
    try:
        trust = json.loads(text)
        centre = trust["centre"]
        name, digest, encoded = centre["vkey"].split("+", 2)
        key = base64.b64decode(centre["signing"], validate=True)
        if base64.b64decode(encoded, validate=True) != b"\x01" + key or _key_hash(name, key).hex() != digest:
            raise UsageError("公钥文件前后不符（vkey 与 signing）", "trust file: vkey and signing key differ")
        Ed25519PublicKey.from_public_bytes(key)
        times = {str(origin): int(ms) for origin, ms in trust.get("revoked_since_ms", {}).items()}
        revoked = {str(origin): times.get(str(origin)) for origin in trust.get("revoked", ())}
        return Trust(str(trust["authority"]), name, key, revoked)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = type(error).__name__
        raise UsageError(f"公钥文件无法识别：{what}", f"trust file unreadable: {what}") from error


def open_token(text: str, trust: Trust) -> Token:
    """Check a QR text step by step; raises `NotGenuineError`."""
    raw = _base64url(text)
    if raw[:1] != b"\x01":  # 1. a version we know
        raise NotGenuineError("unknown-version")
    token, vouch, signed = _parse(raw)
    if not token.origin.startswith(trust.authority + "/"):  # 2. of this authority
        raise NotGenuineError("wrong-authority")
    vouched = b"yizhan/token-key/1\n" + token.origin.encode() + b"\n" + token.signing
    _check(trust.centre_key, vouched + token.not_after_ms.to_bytes(8, "big"), vouch, "not-vouched")  # 3.
    _check(token.signing, b"yizhan/token/1" + signed, raw[len(signed) :], "bad-signature")  # 4. by that node
    if token.issued_ms > token.not_after_ms:  # 5. while its certificate was in force
        raise NotGenuineError("expired-key")
    if token.origin in trust.revoked:  # 6. not withdrawn since
        raise NotGenuineError("revoked", trust.revoked[token.origin])
    return token


def _kind(material: bytes) -> tuple[str, Any]:
    if material.lstrip().startswith(b"YZ1."):
        return "token", _check_text
    if material.lstrip().startswith(b"{"):
        return "evidence", _check_evidence
    return "pdf", _check_pdf


def _check_text(material: bytes, trust: Trust) -> Token:
    return open_token(material.strip().decode("ascii", "replace"), trust)


def _check_pdf(material: bytes, trust: Trust) -> Token:
    tokens, signatures = set(_TOKEN.findall(material)), set(_FILE.findall(material))
    if not tokens:
        raise NotGenuineError("no-token")
    if len(tokens) > 1:
        raise NotGenuineError("two-tokens")
    token = open_token(tokens.pop().decode(), trust)
    if len(signatures) != 1:
        raise NotGenuineError("file-altered" if signatures else "file-unsigned")
    signature = signatures.pop()
    blank = material.replace(b"yzf:" + signature, b"yzf:" + b"A" * len(signature))
    signed = b"yizhan/file/1" + hashlib.sha256(blank).digest()
    _check(token.signing, signed, base64.urlsafe_b64decode(signature + b"=="), "file-altered")
    return token


def _check_evidence(material: bytes, trust: Trust) -> Token:
    """The token's entry is in a ledger that both the node and the centre signed."""
    try:
        evidence = json.loads(material)
        token = open_token(str(evidence["token"]), trust)
        proof = [base64.b64decode(each, validate=True) for each in evidence["proof"]]
        size, root = _open_note(str(evidence["note"]), token, trust)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotGenuineError("malformed") from error
    if size != evidence.get("size") or _root(token.leaf_hash, token.index, size, proof) != root:
        raise NotGenuineError("not-in-ledger")
    return token


def _open_note(note: str, token: Token, trust: Trust) -> tuple[int, bytes]:
    """Size and root of a checkpoint signed by the node and by the centre (C2SP signed note)."""
    text, _, lines = note.rpartition("\n\n")
    origin, size, root = text.split("\n")
    signers = set()
    for name, encoded in _NOTE_LINE.findall(lines):
        key = {token.origin: token.signing, trust.centre_name: trust.centre_key}.get(name)
        raw = base64.b64decode(encoded, validate=True)
        if key is not None and raw[:4] == _key_hash(name, key):
            _check(key, f"{text}\n".encode(), raw[4:], "not-countersigned")
            signers.add(name)
    if origin != token.origin or signers != {token.origin, trust.centre_name}:
        raise NotGenuineError("not-countersigned")
    return int(size), base64.b64decode(root, validate=True)


def _root(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root an inclusion proof leads to (RFC 9162, 2.1.3.2); empty where it does not fit."""
    if not 0 <= index < size or len(proof) > PROOF_HASHES_MAX:
        return b""
    at, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0 or len(sibling) != len(leaf_hash):
            return b""
        if at & 1 or at == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + sibling).digest()
        at, last = at >> 1, last >> 1
    return b"" if last else found


def _parse(raw: bytes) -> tuple[Token, bytes, bytes]:
    """Token, the centre's vouch, and the bytes the node signed."""
    try:
        serial_end = 2 + raw[1]
        origin_end = serial_end + 1 + raw[serial_end]
        serial, origin = raw[2:serial_end].decode(), raw[serial_end + 1 : origin_end].decode()
    except (IndexError, UnicodeDecodeError) as error:
        raise NotGenuineError("malformed") from error
    rest = raw[origin_end:]
    if len(rest) != 8 + 32 + 1 + 8 + 8 + 32 + 32 + 8 + 64 + 64 or rest[40] >= len(STATUSES):
        raise NotGenuineError("malformed")
    token = Token(
        serial=serial,
        origin=origin,
        index=int.from_bytes(rest[:8], "big"),
        leaf_hash=rest[8:40],
        status=rest[40],
        as_of_ms=int.from_bytes(rest[41:49], "big"),
        issued_ms=int.from_bytes(rest[49:57], "big"),
        facts_digest=rest[57:89],
        signing=rest[89:121],
        not_after_ms=int.from_bytes(rest[121:129], "big"),
    )
    return token, rest[129:193], raw[:-64]


def _base64url(text: str) -> bytes:
    encoded = text.removeprefix("YZ1.")
    if encoded == text or len(text) > TOKEN_CHARACTERS_MAX or not re.fullmatch(r"[A-Za-z0-9_-]+", encoded):
        raise NotGenuineError("malformed")
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error as error:
        raise NotGenuineError("malformed") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != encoded:
        raise NotGenuineError("malformed")
    return raw


def _check(public: bytes, message: bytes, signature: bytes, code: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NotGenuineError(code) from error


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def as_json(result: Result) -> dict[str, Any]:
    """The one JSON document of `--json`."""
    document: dict[str, Any] = {"genuine": result.genuine, "kind": result.kind, "reason": result.reason}
    token = result.token
    if result.since_ms is not None:
        document["revoked_since_ms"] = result.since_ms
    if token is not None:
        plain = ("serial", "origin", "index", "as_of_ms", "issued_ms")
        document |= {name: getattr(token, name) for name in plain}
        document |= {name: getattr(token, name).hex() for name in ("leaf_hash", "facts_digest")}
        document["status"] = STATUSES[token.status]
    return document


def as_words(result: Result) -> str:
    """For people: Chinese, then English."""
    zh, en = REASONS[result.reason]
    token = result.token
    if result.since_ms is not None:
        since = _clock(result.since_ms)
        zh, en = f"{zh} 自 {since}（北京时间）起。", f"{en} Since {since} (Beijing)."
    if token is None:
        return f"{zh}\n{en}"
    status_zh, status_en = STATUS_WORDS[token.status]
    issued, as_of = _clock(token.issued_ms), _clock(token.as_of_ms)
    return "\n".join(
        (
            zh,
            f"  编号 {token.serial}（请与纸面核对）",
            f"  状态 {status_zh}",
            f"  签发 {issued}    数据截至 {as_of}",
            f"  台账 {token.origin} 第 {token.index} 条",
            en,
            f"  serial {token.serial} (compare with the paper)",
            f"  status {status_en}",
            f"  issued {issued}    data as of {as_of}",
            f"  ledger {token.origin} entry {token.index}",
        )
    )


def _clock(ms: int) -> str:
    try:
        return dt.datetime.fromtimestamp(ms / 1000, _BEIJING).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "—"


def _material(argument: str) -> bytes:
    if argument.startswith("YZ1."):
        return argument.encode()
    try:
        with Path(argument).open("rb") as file:
            material = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"读不到 {argument!r}：{why}", f"cannot read {argument!r}: {why}") from error
    if len(material) > FILE_BYTES_MAX:
        raise UsageError(f"{argument!r} 超过 64 MiB", f"{argument!r} is larger than 64 MiB")
    return material


class _Parser(argparse.ArgumentParser):
    """Raises `UsageError` instead of leaving, so that `--json` can say it as its one document."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"命令写法有误：{message}", message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="yizhan-verify",
        description="核验驿站报告的真伪，不需要网络。 Check a Yizhan report, without a network.",
        epilog="退出码 exit codes: 0 真实 genuine, 1 不真实 not genuine, 2 用法错误 usage",
    )
    parser.add_argument(
        "report", help="报告 PDF、二维码文字或证据文件 | report PDF, QR text, or evidence file"
    )
    parser.add_argument(
        "--trust", required=True, help="中心公布的公钥文件 | the centre's published keys (JSON)"
    )
    parser.add_argument("--json", action="store_true", help="输出一个 JSON 文档 | print one JSON document")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    json_wanted = "--json" in words
    try:
        options = _parser().parse_args(words)
        trust = read_trust(_material(options.trust).decode("utf-8", "replace"))
        result = verify(_material(options.report), trust)
    except UsageError as error:
        for message, step in zip(error.words, _STEP, strict=True):
            print(f"无法核验 cannot check: {message} {step}", file=sys.stderr)
        if json_wanted:
            said, then = (dict(zip(("zh", "en"), each, strict=True)) for each in (error.words, _STEP))
            print(json.dumps({"code": "usage", "message": said, "next": then}, ensure_ascii=False))
        return 2
    print(json.dumps(as_json(result), ensure_ascii=False) if json_wanted else as_words(result))
    return 0 if result.genuine else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the node prints and what a stranger's machine believes: two programs that share no code, one verdict."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

import yizhan_verify
from sync.errors import LimitExceeded, Malformed
from sync.ledger.proofs import root_of
from sync.ledger.tree import MemoryTiles, append, inclusion
from sync.messages.token import FILE_PLACEHOLDER, Status, build_evidence, build_token, sign_file
from sync.signing.certificate import Certificate, issue, open_certificate
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import checkpoint_text, cosign, sign_note, vkey

AUTHORITY = "qingzhou.example"
ORIGIN = f"{AUTHORITY}/node/330102/i1"
CENTRE = f"{AUTHORITY}/centre/main/i1"
NODE_KEY, CENTRE_KEY = SigningKey.from_bytes(b"n" * 32), SigningKey.from_bytes(b"c" * 32)
STRANGER = SigningKey.from_bytes(b"x" * 32)
ISSUED_MS = 1_795_219_200_000
HASHES = [hashlib.sha256(bytes([number])).digest() for number in range(200)]
INDEX = 77


def certificate(
    origin: str = ORIGIN, key: SigningKey = NODE_KEY, centre: SigningKey = CENTRE_KEY
) -> Certificate:
    plain = Certificate(
        origin=origin,
        signing=key.public,
        sealing=SealingKey.from_bytes(b"s" * 32).public,
        not_before_ms=ISSUED_MS - 1000,
        not_after_ms=ISSUED_MS + 1000,
    )
    return open_certificate(issue(plain, centre), centre.public)


def fields(**changed: Any) -> dict[str, Any]:
    return {
        "key": NODE_KEY,
        "certificate": certificate(),
        "serial": "QZ-330102-2026-000078",
        "index": INDEX,
        "leaf_hash": HASHES[INDEX],
        "status": "provisional",
        "as_of_ms": ISSUED_MS - 3_600_000,
        "issued_ms": ISSUED_MS,
        "facts_digest": hashlib.sha256(b"facts").digest(),
    } | changed


def token(**changed: Any) -> str:
    return build_token(**fields(**changed))


def trust_document(**changed: Any) -> dict[str, Any]:
    return {
        "authority": AUTHORITY,
        "centre": {
            "vkey": vkey(CENTRE, CENTRE_KEY.public),
            "signing": base64.b64encode(CENTRE_KEY.public).decode(),
        },
        "revoked": [],
    } | changed


def trust(**changed: Any) -> yizhan_verify.Trust:
    return yizhan_verify.read_trust(json.dumps(trust_document(**changed)))


def reason(material: bytes | str, **changed: Any) -> str:
    raw = material.encode() if isinstance(material, str) else material
    return yizhan_verify.verify(raw, trust(**changed)).reason


def report(*keywords: str) -> bytes:
    """A real PDF by the typesetter, with these keywords."""
    listed = ", ".join(f'"{keyword}"' for keyword in keywords)
    source = f'#set document(title: "信用报告", keywords: ({listed},))\n#set page(paper: "a4")\n编号 QZ'
    pdf: bytes = typst.compile(source.encode())
    return pdf


def evidence(**changed: Any) -> bytes:
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, HASHES)[1])
    note = sign_note(checkpoint_text(ORIGIN, 200, root_of(HASHES)), ORIGIN, NODE_KEY)
    parts: dict[str, Any] = {
        "token": token(),
        "size": 200,
        "proof": inclusion(tiles, INDEX, 200),
        "note": cosign(note, CENTRE, CENTRE_KEY),
    }
    return build_evidence(**(parts | changed))


@pytest.mark.parametrize("status", ["final", "provisional", "superseded"])
def test_g12_a_qr_text_says_the_same_to_a_stranger_as_it_did_to_the_node(status: Status):
    text = token(status=status)
    assert len(text) < 500
    result = yizhan_verify.verify(text.encode(), trust())
    assert (result.genuine, result.kind) == (True, "token")
    found = result.token
    assert found is not None
    wanted = fields()
    assert (found.serial, found.origin, found.index) == (wanted["serial"], ORIGIN, INDEX)
    assert (found.leaf_hash, found.facts_digest) == (HASHES[INDEX], wanted["facts_digest"])
    assert (found.as_of_ms, found.issued_ms) == (wanted["as_of_ms"], ISSUED_MS)
    assert yizhan_verify.STATUSES[found.status] == status


def test_g12_a_token_has_golden_text_for_ever():
    assert hashlib.sha256(token().encode()).hexdigest() == (
        "51454cca14e334cd19a8658c778324ab73e49f94f535c51e93f188cdd0cd8871"
    )


def test_a_token_whose_any_character_changed_is_not_genuine():
    text = token()
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        assert reason(text[:at] + other + text[at + 1 :]) != "genuine"
    assert reason(text[:-1]) != "genuine"
    assert reason(text + "A") == "malformed"


def test_a_token_names_why_it_is_refused():
    late = certificate()
    assert reason("YZ1.") == "malformed"
    assert reason("YZ1.A") == "malformed"
    assert reason("YZ1.AQ") == "malformed"
    assert reason("YZ1.!!!") == "malformed"
    assert reason("YZ1." + "A" * 3000) == "malformed"
    assert reason("YZ1.AgAA") == "unknown-version"
    assert reason(token(), authority="other.example") == "wrong-authority"
    assert reason(token(), revoked=[ORIGIN]) == "revoked"
    assert reason(token(issued_ms=late.not_after_ms + 1)) == "expired-key"
    false = certificate(key=STRANGER, centre=STRANGER)
    assert reason(token(key=STRANGER, certificate=false)) == "not-vouched"
    stolen = msgspec.structs.replace(certificate(), signing=STRANGER.public)
    assert reason(token(key=STRANGER, certificate=stolen)) == "not-vouched"


def test_a_token_that_could_not_be_read_back_is_not_built():
    for changed in (
        {"leaf_hash": b"short"},
        {"facts_digest": b""},
        {"key": STRANGER},
        {"certificate": msgspec.structs.replace(certificate(), vouch=b"")},
        {"index": -1},
        {"issued_ms": 2**63},
    ):
        with pytest.raises(Malformed):
            token(**changed)
    for serial in ("", "x" * 65, "编" * 30):
        with pytest.raises(LimitExceeded):
            token(serial=serial)


@pytest.mark.parametrize("extra", [(), ("公共信用",)])
def test_g12_a_printed_file_is_genuine_until_one_byte_changes(extra: tuple[str, ...]):
    blank = report(*extra, f"yzt:{token()}", FILE_PLACEHOLDER)
    signed = sign_file(blank, NODE_KEY)
    assert len(signed) == len(blank)
    result = yizhan_verify.verify(signed, trust())
    assert (result.genuine, result.kind) == (True, "pdf")
    for at in range(0, len(signed), 331):
        changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        assert not yizhan_verify.verify(changed, trust()).genuine
    assert reason(signed + b"\n") == "file-altered"


def test_a_file_names_why_it_is_refused():
    blank = report(f"yzt:{token()}", FILE_PLACEHOLDER)
    signed = sign_file(blank, NODE_KEY)
    assert reason(report("nothing")) == "no-token"
    assert reason(b"") == "no-token"
    assert reason(blank) == "file-altered"
    assert reason(report(f"yzt:{token()}")) == "file-unsigned"
    assert reason(sign_file(blank, STRANGER)) == "file-altered"
    assert reason(signed + b"yzf:" + b"B" * 86) == "file-altered"
    other = token(serial="QZ-330102-2026-000079")
    assert reason(signed + f"yzt:{other}".encode()) == "two-tokens"
    forged = report(f"yzt:{token(key=STRANGER, certificate=certificate(key=STRANGER, centre=STRANGER))}")
    assert reason(forged) == "not-vouched"
    with pytest.raises(Malformed):
        sign_file(report("nothing"), NODE_KEY)
    with pytest.raises(Malformed):
        sign_file(signed, NODE_KEY)


def test_g12_the_evidence_of_a_report_proves_its_entry_under_both_signatures():
    document = evidence()
    assert len(document) < 2500
    result = yizhan_verify.verify(document, trust())
    assert (result.genuine, result.kind) == (True, "evidence")


def test_evidence_names_why_it_is_refused():
    checkpoint = checkpoint_text(ORIGIN, 200, root_of(HASHES))
    note = sign_note(checkpoint, ORIGIN, NODE_KEY)
    both = cosign(note, CENTRE, CENTRE_KEY)
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, HASHES)[1])
    proof = inclusion(tiles, INDEX, 200)
    other_root = checkpoint_text(ORIGIN, 200, HASHES[0])
    other_origin = checkpoint_text(CENTRE, 200, root_of(HASHES))
    for changed, expected in (
        ({"note": note}, "not-countersigned"),
        ({"note": sign_note(checkpoint, CENTRE, CENTRE_KEY)}, "not-countersigned"),
        ({"note": cosign(note, CENTRE, STRANGER)}, "not-countersigned"),
        ({"note": both.replace(b"\n200\n", b"\n201\n")}, "not-countersigned"),
        (
            {"note": cosign(sign_note(other_origin, ORIGIN, NODE_KEY), CENTRE, CENTRE_KEY)},
            "not-countersigned",
        ),
        ({"note": b"nothing"}, "malformed"),
        ({"note": cosign(sign_note(other_root, ORIGIN, NODE_KEY), CENTRE, CENTRE_KEY)}, "not-in-ledger"),
        ({"size": 199}, "not-in-ledger"),
        ({"proof": proof[:-1]}, "not-in-ledger"),
        ({"proof": [*proof, HASHES[0]]}, "not-in-ledger"),
        ({"proof": [*proof[:-1], b"short"]}, "not-in-ledger"),
        ({"proof": [HASHES[0]] * 65}, "not-in-ledger"),
        ({"token": token(index=200)}, "not-in-ledger"),
        ({"token": token(index=INDEX + 1)}, "not-in-ledger"),
        ({"token": "YZ1.AgAA"}, "unknown-version"),
    ):
        assert reason(evidence(**changed)) == expected, changed
    for document in (b"{", b"{}", b'{"token": 1}', b"{" * 20_000):
        assert reason(document) == "malformed"
    values = json.loads(evidence())
    assert reason(json.dumps(values | {"proof": ["%"]})) == "malformed"
    assert reason(json.dumps(values | {"proof": None})) == "malformed"


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_and_never_genuine(material: bytes):
    for whole in (
        material,
        b"YZ1." + material,
        b"{" + material,
        b"yzt:YZ1." + base64.urlsafe_b64encode(b"\x01" + material),
    ):
        assert not yizhan_verify.verify(whole, trust()).genuine


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{" * 20_000,
        json.dumps(trust_document(centre={"vkey": "a+b", "signing": "AA=="})),
        json.dumps(
            trust_document(
                centre={
                    "vkey": vkey(CENTRE, STRANGER.public),
                    "signing": base64.b64encode(CENTRE_KEY.public).decode(),
                }
            )
        ),
        json.dumps(trust_document(revoked=5)),
    ],
)
def test_a_trust_file_that_cannot_be_believed_is_a_usage_error(text: str):
    with pytest.raises(yizhan_verify.UsageError):
        yizhan_verify.read_trust(text)


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    keys = tmp_path / "keys.json"
    if not keys.exists():
        keys.write_text(json.dumps(trust_document()), "utf-8")
    program = Path(yizhan_verify.__file__)
    return subprocess.run(
        [sys.executable, "-I", str(program), *arguments, "--trust", str(keys)],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )


def test_g12_the_command_says_yes_with_0_in_chinese_then_english(tmp_path: Path):
    path = tmp_path / "report.pdf"
    path.write_bytes(sign_file(report(f"yzt:{token()}", FILE_PLACEHOLDER), NODE_KEY))
    done = run(tmp_path, str(path))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("真实")
    assert "暂定" in done.stdout
    assert lines[5].startswith("Genuine")
    assert "QZ-330102-2026-000078" in lines[1]
    assert "2026-11-21" in lines[3]


def test_the_command_says_no_with_1_and_prints_one_json_document(tmp_path: Path):
    done = run(tmp_path, token()[:-8] + "AAAAAAAA", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"genuine": False, "kind": "token", "reason": "bad-signature"}
    done = run(tmp_path, token(), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["serial"] == "QZ-330102-2026-000078"
    assert run(tmp_path, "YZ1.AA").stdout.splitlines() == list(yizhan_verify.REASONS["unknown-version"])


def test_the_command_says_2_when_it_cannot_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path, str(tmp_path / "absent.pdf")).returncode == 2
    keys = tmp_path / "bad.json"
    keys.write_bytes(b"\xff")
    assert yizhan_verify.main([token(), "--trust", str(keys)]) == 2
    assert yizhan_verify.main(["\x00", "--trust", str(keys)]) == 2
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as file:
        file.truncate(yizhan_verify.FILE_BYTES_MAX + 1)
    assert yizhan_verify.main([token(), "--trust", str(huge)]) == 2
    assert "cannot check" in capsys.readouterr().err
    assert yizhan_verify.main([]) == 2


def test_with_json_a_question_that_cannot_be_asked_is_one_document_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    good, binary, odd = tmp_path / "keys.json", tmp_path / "binary.json", tmp_path / "odd.json"
    good.write_text(json.dumps(trust_document()), "utf-8")
    binary.write_bytes(b"\xff")
    odd.write_text("{}", "utf-8")
    for words, named in (
        ([token(), "--trust", str(tmp_path / "absent.json")], "absent.json"),
        ([token(), "--trust", str(tmp_path)], tmp_path.name),
        ([token(), "--trust", str(binary)], "公钥文件"),
        ([token(), "--trust", str(odd)], "公钥文件"),
        ([str(tmp_path / "absent.pdf"), "--trust", str(good)], "absent.pdf"),
        ([token()], "--trust"),
        ([token(), "--trust", str(good), "--colour"], "--colour"),
    ):
        assert yizhan_verify.main([*words, "--json"]) == 2
        said = capsys.readouterr()
        no = json.loads(said.out)
        assert named in no["message"]["zh"]
        assert named in said.err
        assert no["message"]["en"]
        assert no["next"]["zh"]


def test_a_revoked_node_is_refused_with_the_day_since_when(tmp_path: Path):
    revoked = {"revoked": [ORIGIN], "revoked_since_ms": {ORIGIN: ISSUED_MS}}
    result = yizhan_verify.verify(token().encode(), trust(**revoked))
    assert (result.reason, result.since_ms) == ("revoked", ISSUED_MS)
    assert yizhan_verify.as_json(result)["revoked_since_ms"] == ISSUED_MS
    zh, en = yizhan_verify.as_words(result).split("\n")
    assert "自 2026-11-21 08:00（北京时间）起" in zh
    assert "Since 2026-11-21 08:00" in en
    assert yizhan_verify.verify(token().encode(), trust(revoked=[ORIGIN])).since_ms is None
    with pytest.raises(yizhan_verify.UsageError):
        trust(revoked=[ORIGIN], revoked_since_ms={ORIGIN: "yesterday"})


def test_every_reason_has_words_in_both_languages_and_odd_times_are_shown_as_unknown():
    for zh, en in yizhan_verify.REASONS.values():
        assert not zh.isascii()
        assert en.isascii()
    odd = yizhan_verify.verify(token(as_of_ms=2**62).encode(), trust())
    assert "—" in yizhan_verify.as_words(odd)
    assert yizhan_verify.as_json(odd)["as_of_ms"] == 2**62


def test_the_verifier_is_one_file_that_needs_nothing_but_cryptography():
    tree = ast.parse(Path(yizhan_verify.__file__).read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in imported}
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}

"""The public page over a report a real node issued: text, file, and what became of it."""

import base64
import hashlib
from datetime import datetime, timedelta, timezone

from central.actions import enrol
from central.actions.enrol import Enrolled
from sync.ledger.entry import leaf_hash, row_leaf
from sync.messages.token import FILE_PLACEHOLDER, build_token, sign_file
from sync.signing.certificate import Certificate, open_certificate
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.clock import NOW_MS
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage, application
from tests.contract.console.stage import Visitor, browser, desk, handed_in, issued

CHINA = timezone(timedelta(hours=8))
SERIAL = "330102-2026-L-00001"


async def hall_of(scene: Stage) -> tuple[Hall, Certificate]:
    made = await scene.node()
    signing, sealing = SigningKey.generate(), SealingKey.generate()
    given = await enrol.enrol(scene.centre, application(made.code, signing, sealing))
    assert isinstance(given, Enrolled)
    certificate = open_certificate(base64.b64decode(given.certificate), scene.centre.keys.signing.public)
    return Hall(made.node, given, signing, sealing, scene.clock), certificate


def printed(hall: Hall, certificate: Certificate) -> tuple[str, bytes]:
    """The QR text and the file of the hall's first report, as a node makes them."""
    index = hall.write("report.issued", issued(SERIAL), object="330102-2026-C-00001")
    token = build_token(
        key=hall.signing_key,
        certificate=certificate,
        serial=SERIAL,
        index=index,
        leaf_hash=leaf_hash(row_leaf(hall.kept[index])),
        status="provisional",
        as_of_ms=NOW_MS - 1000,
        issued_ms=NOW_MS,
        facts_digest=hashlib.sha256(b"{}").digest(),
    )
    blank = f"%PDF-1.7\n/Keywords (yzt:{token} yzf:{FILE_PLACEHOLDER})\n%%EOF".encode()
    return token, sign_file(blank, hall.signing_key)


async def verdict(visitor: Visitor, text: str = "", pdf: bytes | None = None) -> str:
    await visitor.get("/verify")
    more = {"files": {"pdf": ("report.pdf", pdf, "application/pdf")}} if pdf is not None else {}
    reply = await visitor.post("/verify", {"text": text}, **more)
    assert reply.status_code == 200
    return reply.text


async def test_g12_a_genuine_text_and_file_are_believed_by_anybody_without_signing_in(scene: Stage):
    hall, certificate = await hall_of(scene)
    token, pdf = printed(hall, certificate)
    async with browser(scene) as visitor:
        early = await verdict(visitor, text=token)
        assert "真实，离线签发，等待中心确认" in early
        assert "签发的服务点还没有向中心报告这一份" in early
        await handed_in(scene, hall)
        said = await verdict(visitor, text=token)
        assert "真实，但已被新的报告替代" in said, "the centre holds other facts than this paper shows"
        assert SERIAL in said
        assert "清河县市民之家" in said
        assert "文件与签发时一字不差" in await verdict(visitor, pdf=pdf)


async def test_g12_a_file_with_one_changed_letter_is_not_believed(scene: Stage):
    hall, certificate = await hall_of(scene)
    _, pdf = printed(hall, certificate)
    async with browser(scene) as visitor:
        said = await verdict(visitor, pdf=pdf.replace(b"%%EOF", b"%%EOG"))
        assert "不是真实的报告" in said
        assert "文件在签发后被改动" in said


async def test_g28_a_report_of_a_revoked_node_is_no_longer_believed(scene: Stage):
    hall, certificate = await hall_of(scene)
    token, _ = printed(hall, certificate)
    await handed_in(scene, hall)
    async with desk(scene, "security") as visitor:
        await visitor.get("/nodes/330102")
        await visitor.post("/nodes/330102/revoke", {"reason": "设备被盗，已报案，案号 2026-1188"})
        said = await verdict(visitor, text=token)
        assert "签发节点已被中心吊销" in said
        since = datetime.fromtimestamp(scene.clock.now_ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M")
        assert f"自 {since}（北京时间）起" in said, "a holder of the paper sees whether it is older"
        trust = await enrol.trust(scene.centre)
        assert trust["revoked"] == list(trust["revoked_since_ms"]) == [hall.origin]

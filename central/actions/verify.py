"""What the public page says about a report's QR text: genuine or not, and what became of the report."""

import msgspec

from central.actions import enrol
from central.actions.centre import Centre
from central.actions.views import VerifyView
from central.store import fleet, reconciling
from matters.model import Words
from yizhan_verify import NotGenuineError, Result, Token, as_words, open_token, read_trust

TEXT_CHARACTERS_MAX = 4096


async def verify(centre: Centre, text: str) -> VerifyView:
    """Judge a QR text with the published keys, as anybody could without network; add what the centre knows.

    Shows nothing about the person: whoever holds the paper has its serial.
    """
    trust = read_trust(msgspec.json.encode(await enrol.trust(centre)).decode())
    try:
        token = open_token(text.strip()[:TEXT_CHARACTERS_MAX], trust)
    except NotGenuineError as error:
        zh, en = as_words(Result("token", error.code, since_ms=error.since_ms)).split("\n")
        return VerifyView(genuine=False, known=False, words=Words(zh=zh, en=en))
    return await _known(centre, token)


async def _known(centre: Centre, token: Token) -> VerifyView:
    async with centre.store.reading() as tx:
        found = await reconciling.reports(tx, "", token.serial, "", 10)
        identity = await fleet.identity(tx, token.origin)
        node = await fleet.node(tx, identity.node) if identity else None
    whole = next((one for one in found if one.report.origin == token.origin), None)
    name = node.name if node else ""
    base = VerifyView(
        genuine=True,
        known=whole is not None,
        words=Words(
            zh="真实。出具该报告的服务点尚未上报这一笔，状态以纸面为准。",
            en="Genuine. The place that issued it has not reported it yet; its state is as printed.",
        ),
        serial=token.serial,
        node_name=name,
        status="provisional" if token.status == 1 else "final",
        issued_ms=token.issued_ms,
        as_of_ms=token.as_of_ms,
    )
    if whole is None:
        return base
    if whole.report.leaf_hash != token.leaf_hash:
        words = Words(
            zh="签名真实，但与中心台账所载不符，请联系中心。", en="signed, but not what the ledger holds"
        )
        return msgspec.structs.replace(base, genuine=False, words=words)
    return msgspec.structs.replace(
        base, words=_words(whole), status=whole.report.status, verdict=whole.verdict
    )


def _words(whole: reconciling.ReportWhole) -> Words:
    if whole.verdict == "superseded":
        return Words(
            zh="真实，但已被取代：出具后数据有变化，请到窗口换发。",
            en="Genuine, but superseded: the data changed; have it replaced at a window.",
        )
    if whole.verdict == "confirmed":
        return Words(zh="真实，临时报告已由中心确认。", en="Genuine; the provisional report was confirmed.")
    if whole.report.status == "provisional":
        return Words(zh="真实，临时报告，等待中心确认。", en="Genuine; provisional, waiting for the centre.")
    return Words(zh="真实，正式报告。", en="Genuine; a final report.")

"""The credit bureau behind one HTTP contract, so that a real one is a configuration (`bureau_url`).

POST {bureau_url}/reports   {"number", "name", "purpose", "reference"}   (JSON; the number never stands
in a URL) 200 {"reference", "score", "accounts", "overdue", "queries", "as_of_ms", "source"}
404 the bureau holds nothing under that number;  422 it cannot read the query
"""

import httpx
import msgspec

from central.errors import UpstreamFailed
from sync.errors import UNREADABLE

ANSWER_BYTES_MAX = 256 * 1024
_OK = 200
_NOT_FOUND = 404


class BureauReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the bureau says about one person.

    Counts of accounts, of those overdue, of queries in two years.
    """

    reference: str
    score: int
    accounts: int
    overdue: int
    queries: int
    as_of_ms: int
    source: str


class Bureau:
    """A client of one bureau; keeps connections open between questions. Close with `close`."""

    def __init__(self, url: str, deadline_ms: int) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=deadline_ms / 1000, limits=httpx.Limits(max_connections=8)
        )

    async def report(self, number: str, name: str, purpose: str, reference: str) -> BureauReport | None:
        """The bureau's report, or None where it holds nothing.

        Raises UpstreamFailed when it does not answer in time or not in its contract. Nothing is stored here.
        """
        body = msgspec.json.encode(
            {"number": number, "name": name, "purpose": purpose, "reference": reference}
        )
        try:
            answer = await self._client.post(
                "/reports", content=body, headers={"content-type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise UpstreamFailed(
                "征信机构没有应答。", f"the bureau did not answer ({type(error).__name__})"
            ) from error
        if answer.status_code == _NOT_FOUND:
            return None
        return _read(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _read(answer: httpx.Response) -> BureauReport:
    if answer.status_code != _OK or len(answer.content) > ANSWER_BYTES_MAX:
        raise UpstreamFailed("征信机构的应答不符合约定。", f"the bureau answered {answer.status_code}")
    try:
        return msgspec.json.decode(answer.content, type=BureauReport)
    except UNREADABLE as error:
        raise UpstreamFailed(
            "征信机构的应答不符合约定。", "the bureau's answer is not its contract"
        ) from error

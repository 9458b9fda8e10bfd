"""The driver of an A4 printer over IPP. Each question is one HTTP request on a connection of its own."""

import itertools
from typing import Final

from drivers import a4
from drivers.devices.a4_ipp import protocol
from drivers.devices.a4_ipp.protocol import Attribute, Message
from drivers.errors import Absent, DriverError, Garbled, NotThisDevice, Unplugged
from drivers.ports import JobState, PrinterState, Submitted
from drivers.wires.address import Address
from drivers.wires.http_line import Exchange
from matters.model import Words

ANSWER_S: Final = 3.0
SUBMIT_S: Final = 30.0
POLL_S: Final = 0.5
PDF_BYTES_MAX: Final = 20 * 1024 * 1024
USER: Final = "yizhan"
HTTP_OK: Final = 200


class IppPrinter:
    """`SheetPrinter` at `ipp:host:631/printers/name`. Without options; IPPS and passwords are not offered."""

    def __init__(self, address: Address, *, answer_s: float = ANSWER_S) -> None:
        address.only()
        self.name = address.text
        self._host, self._port = address.host_port
        self._path = address.path
        self._uri = f"ipp://{address.place}{address.path}"
        self._answer_s = answer_s
        self._is_open = False
        self._numbers = itertools.count(1)  # of requests; an answer must name its own

    async def open(self) -> None:
        if self._is_open:
            return
        try:
            await self._state()
        except Garbled as error:
            raise NotThisDevice(
                f"answers, but not as a print queue does: {error.detail}", device=self.name
            ) from None
        self._is_open = True

    async def close(self) -> None:
        self._is_open = False

    async def status(self) -> PrinterState:
        self._check()
        return await self._state()

    async def submit(self, pdf: bytes, name: str) -> Submitted:
        assert len(pdf) <= PDF_BYTES_MAX
        self._check()
        exchange = Exchange(self._host, self._port, self.name)
        body = protocol.print_job(next(self._numbers), self._uri, USER, name, pdf)
        try:
            answer = await self._send(exchange, body, SUBMIT_S)
            refused = protocol.refusal(answer, self.name)
            job = answer.group(protocol.GROUP_JOB).number("job-id")
        except DriverError as error:
            if not exchange.sent:
                raise
            return Submitted(confirmed=False, reason=error.code)
        if refused is not None:
            raise refused
        return Submitted(confirmed=job is not None, job=str(job or ""), reason="" if job else Garbled.code)

    async def find(self, name: str) -> str:
        self._check()
        for which in ("not-completed", "completed"):
            more = [
                Attribute(protocol.KEYWORD, "which-jobs", (which,)),
                Attribute(protocol.KEYWORD, "requested-attributes", ("job-id", "job-name")),
            ]
            answer = await self._ask(protocol.JOBS, more)
            for group in answer.groups:
                if name in group.texts("job-name"):
                    return str(group.number("job-id"))
        return ""

    async def job(self, job: str) -> JobState:
        self._check()
        more = [Attribute(protocol.INTEGER, "job-id", (int(job),))]
        answer = await self._ask(protocol.JOB_ATTRIBUTES, more, missing_is_fine=True)
        state = answer.group(protocol.GROUP_JOB).number("job-state")
        stage = protocol.JOB_STAGES.get(state or 0, "unknown")
        words, step = a4.JOB[stage]
        return JobState(job=job, stage=stage, words=words, next=step)

    async def finished(self, job: str, timeout_s: float) -> JobState:
        return await a4.finished(self, job, timeout_s, poll_s=POLL_S, device=self.name)

    async def describe(self) -> Words:
        state = await self.status()
        return Words(
            zh=f"IPP 打印队列 {self._path}：{state.words.zh}", en=f"IPP queue {self._path}: {state.words.en}"
        )

    async def _state(self) -> PrinterState:
        wanted = ("printer-state", "printer-state-reasons")
        more = [Attribute(protocol.KEYWORD, "requested-attributes", wanted)]
        answer = await self._ask(protocol.PRINTER_ATTRIBUTES, more)
        return protocol.printer_state(answer.group(protocol.GROUP_PRINTER))

    async def _ask(self, operation: int, more: list[Attribute], *, missing_is_fine: bool = False) -> Message:
        exchange = Exchange(self._host, self._port, self.name)
        body = protocol.request(operation, next(self._numbers), self._uri, more)
        answer = await self._send(exchange, body, self._answer_s)
        refused = protocol.refusal(answer, self.name)
        if refused is not None and not (missing_is_fine and answer.code == protocol.NOT_FOUND):
            raise refused
        return answer

    async def _send(self, exchange: Exchange, body: bytes, timeout_s: float) -> Message:
        """One request; the answer must carry its number. Raises Garbled for anything else."""
        try:
            answer = await exchange.post(self._path, "application/ipp", body, timeout_s)
        except (Absent, Unplugged) as gone:
            was_open, self._is_open = self._is_open, False
            if was_open and isinstance(gone, Absent):
                raise Unplugged(gone.detail, device=self.name) from None
            raise
        if answer.status != HTTP_OK:
            raise Garbled(f"HTTP {answer.status}", device=self.name)
        try:
            message = protocol.decode(answer.body)
        except Garbled as error:
            raise error.at(self.name) from None
        if message.request_id != int.from_bytes(body[4:8], "big"):
            raise Garbled("answer to another request", device=self.name)
        return message

    def _check(self) -> None:
        if not self._is_open:
            raise Unplugged("not open", device=self.name)

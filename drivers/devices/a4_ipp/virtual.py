"""The twin of an IPP queue: an HTTP server on 127.0.0.1 that takes PDFs and says how far they are.

    python -m drivers.devices.a4_ipp.virtual --out DIR [--port N] [--control PORT]

writes each printed job to DIR as 1.pdf, 2.pdf, …

    {"do": "set", "reasons": ["media-empty-error"], "stopped": true}
    {"do": "fault", "name": "cut"}   clear   off   on   state
"""

import argparse
import asyncio
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from drivers.devices.a4_ipp import protocol
from drivers.devices.a4_ipp.protocol import Attribute, Message
from drivers.errors import Garbled
from drivers.wires.background import Background
from drivers.wires.control import HOST, play_until_stopped
from drivers.wires.twin_line import flood

FAULTS: Final = {
    "silent": "no answer to the next request",
    "garbage": "an answer that is no IPP",
    "html": "the answer of a web server",
    "foreign": "the answer to another request",
    "flood": "an answer of 10 MB of noise",
    "cut": "the connection ends in the middle of the answer, after the request was obeyed",
    "slow": "the answer comes late",
    "busy": "the queue says it is busy",
    "password": "the queue asks for a password",
    "closed": "the queue takes no jobs",
    "fail": "the next job fails",
}
PATH: Final = "/printers/hall"
WORK_S: Final = 0.02
SLOW_S: Final = 0.2
READ_S: Final = 10.0
BODY_BYTES_MAX: Final = 32 * 1024 * 1024
HEAD_BYTES_MAX: Final = 16 * 1024
JOBS_MAX: Final = 1000
QUEUED, HELD, PRINTING, FAILED, DONE = 3, 4, 5, 8, 9
_STATUS_OF: Final = {"busy": 0x0507, "password": 0x0402, "closed": 0x0506}
_LENGTH: Final = re.compile(rb"content-length: *(\d{1,9})\r", re.IGNORECASE)


class Job(msgspec.Struct):
    """One job of the queue."""

    number: int
    name: str
    pdf: bytes
    state: int = QUEUED
    fails: bool = False


class VirtualQueue:
    """A queue with one printer. `jobs` in order; `printed` the PDFs that came out."""

    def __init__(self, *, out: Path | None = None, port: int = 0) -> None:
        self.jobs: list[Job] = []
        self.printed: list[bytes] = []
        self.reasons: list[str] = []
        self.stopped = False
        self.port = port  # 0 takes a free one
        self._out = out
        self._faults: list[str] = []
        self._server: asyncio.Server | None = None
        self._background = Background()

    @property
    def address(self) -> str:
        """What a technician would set."""
        return f"ipp:{HOST}:{self.port}{PATH}"

    async def start(self) -> None:
        """Switch on."""
        await self._background.start(self._work())
        await self.on()

    async def stop(self) -> None:
        """Switch off for good."""
        await self.off()
        await self._background.stop()

    async def on(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=HEAD_BYTES_MAX)
            self.port = self._server.sockets[0].getsockname()[1]

    async def off(self) -> None:
        """Stop listening; jobs stay."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def set(self, *, reasons: list[str] | None = None, stopped: bool | None = None) -> None:
        """Change what the printer says of itself; with a reason of an error it does not print."""
        self.reasons = self.reasons if reasons is None else reasons
        self.stopped = self.stopped if stopped is None else stopped

    def fault(self, name: str) -> None:
        """Arm a fault of `FAULTS` for the next request. Raises ValueError."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._faults.append(name)

    def clear(self) -> None:
        """No fault, no reason, running."""
        self._faults.clear()
        self.set(reasons=[], stopped=False)

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        jobs = {str(job.number): protocol.JOB_STAGES[job.state] for job in self.jobs}
        return {"address": self.address, "reasons": self.reasons, "stopped": self.stopped, "jobs": jobs}

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "set"}:
                reasons = msgspec.convert(order.get("reasons"), list[str] | None)
                self.set(reasons=reasons, stopped=msgspec.convert(order.get("stopped"), bool | None))
            case {"do": "fault", "name": str(name)}:
                self.fault(name)
            case {"do": "clear"}:
                self.clear()
            case {"do": "off"}:
                await self.off()
            case {"do": "on"}:
                await self.on()
            case {"do": "state"}:
                pass
            case _:
                raise ValueError("cannot: set, fault, clear, off, on, state")
        return self.state()

    @property
    def _able(self) -> bool:
        return not self.stopped and not any(reason.endswith("-error") for reason in self.reasons)

    async def _work(self) -> None:
        """Print job after job, as long as the printer can."""
        while self._background.running:
            await asyncio.sleep(WORK_S)
            waiting = next((job for job in self.jobs if job.state in {QUEUED, HELD, PRINTING}), None)
            if waiting is None:
                continue
            if not self._able:
                waiting.state = HELD if waiting.state != QUEUED else QUEUED
            elif waiting.state == PRINTING:
                self._end(waiting)
            else:
                waiting.state = PRINTING

    def _end(self, job: Job) -> None:
        job.state = FAILED if job.fails else DONE
        if job.state == DONE:
            self.printed.append(job.pdf)
            del self.printed[:-JOBS_MAX]
            if self._out is not None:
                (self._out / f"{job.number}.pdf").write_bytes(job.pdf)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_S):
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(min(int(length[1]) if length else 0, BODY_BYTES_MAX))
                struck = self._faults.pop(0) if self._faults and self._faults[0] != "fail" else ""
                if struck == "silent":
                    await reader.read(1)  # until the client has had enough
                else:
                    await self._reply(writer, body, struck)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return  # the client left or never asked; a server does not mind
        finally:
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, body: bytes, struck: str) -> None:
        if struck == "slow":
            await asyncio.sleep(SLOW_S)
        answer = self._obey(body, struck)
        kind = b"text/html" if struck == "html" else b"application/ipp"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer), answer)
        whole = head + chunks
        writer.write(whole[: len(whole) // 2] if struck == "cut" else whole)
        await writer.drain()

    def _obey(self, body: bytes, struck: str) -> bytes:
        if struck == "html":
            return b"<html>It works</html>"
        if struck in {"garbage", "flood"}:
            return flood() if struck == "flood" else bytes(range(256))
        try:
            asked = protocol.decode(body)
        except Garbled:
            return protocol.encode(0x0400, 1, {})
        if struck == "foreign":
            return protocol.encode(0, asked.request_id ^ 1, {})
        if struck in _STATUS_OF:
            return protocol.encode(_STATUS_OF[struck], asked.request_id, {})
        return self._answer(asked)

    def _answer(self, asked: Message) -> bytes:
        if asked.code == protocol.PRINTER_ATTRIBUTES:
            return self._printer(asked)
        if asked.code == protocol.PRINT_JOB:
            return self._accept(asked)
        if asked.code == protocol.JOBS:
            which = asked.group(protocol.GROUP_OPERATION).texts("which-jobs")
            ended = which == ["completed"]
            return self._jobs(asked, [job for job in self.jobs if (job.state >= FAILED) == ended])
        number = asked.group(protocol.GROUP_OPERATION).number("job-id")
        found = [job for job in self.jobs if job.number == number]
        if not found:
            return protocol.encode(protocol.NOT_FOUND, asked.request_id, {})
        return self._jobs(asked, found)

    def _printer(self, asked: Message) -> bytes:
        state = protocol.STOPPED if self.stopped else 3
        attributes = [
            Attribute(protocol.ENUM, "printer-state", (state,)),
            Attribute(protocol.KEYWORD, "printer-state-reasons", tuple(self.reasons) or ("none",)),
        ]
        return protocol.encode(0, asked.request_id, {protocol.GROUP_PRINTER: attributes})

    def _accept(self, asked: Message) -> bytes:
        name = asked.group(protocol.GROUP_OPERATION).texts("job-name")
        fails = self._faults[:1] == ["fail"]
        if fails:
            self._faults.pop(0)
        job = Job(len(self.jobs) + 1, name[0] if name else "", asked.document, fails=fails)
        self.jobs.append(job)
        return self._jobs(asked, [job])

    def _jobs(self, asked: Message, jobs: list[Job]) -> bytes:
        """One group for each job (only the last group of a tag could be a dict: so joined by hand)."""
        parts = [
            protocol.encode(0, asked.request_id, {protocol.GROUP_JOB: _attributes(job)})[
                protocol.HEAD_BYTES : -1
            ]
            for job in jobs
        ]
        head = protocol.encode(0, asked.request_id, {})[:-1]
        return head + b"".join(parts) + bytes((protocol.GROUP_END,))


def _attributes(job: Job) -> list[Attribute]:
    return [
        Attribute(protocol.INTEGER, "job-id", (job.number,)),
        Attribute(protocol.NAME, "job-name", (job.name,)),
        Attribute(protocol.ENUM, "job-state", (job.state,)),
    ]


def main() -> None:
    """Run the twin as a process until SIGTERM."""
    options = argparse.ArgumentParser(description="Virtual IPP queue on 127.0.0.1.")
    options.add_argument("--out", type=Path, required=True, help="folder for the printed PDFs")
    options.add_argument("--port", type=int, default=0, help="port (0: a free one)")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(play_until_stopped(VirtualQueue(out=chosen.out, port=chosen.port), chosen.control))


if __name__ == "__main__":
    main()

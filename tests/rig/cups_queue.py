"""A real cupsd with one queue, started without systemd: everything it needs or writes is in one temp folder.

Its backend is a script of ours that puts each job into a folder as a file, waits while `empty` lies there (and
says so, as a printer's backend would), and fails while `broken` does.
"""

import asyncio
import contextlib
import grp
import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final, Self

from tests.rig.bench import soon

CUPSD: Final = "/usr/sbin/cupsd"
EXEC: Final = "/usr/lib/cups/daemon/cups-exec"
QUEUE: Final = "hall"
BACKEND: Final = """#!/bin/sh
[ $# -eq 0 ] && { echo 'file paper "Paper" "Paper"'; exit 0; }
folder="${DEVICE_URI#paper:}"
left=1200
if [ -e "$folder/empty" ]; then
  echo "STATE: +media-empty-error" >&2
  while [ -e "$folder/empty" ] && [ $left -gt 0 ]; do left=$((left-1)); sleep 0.05; done
  echo "STATE: -media-empty-error" >&2
fi
[ -e "$folder/broken" ] && exit 1
cat "${6:--}" > "$folder/$3.part" && mv "$folder/$3.part" "$folder/$3.pdf"
"""
SETTINGS: Final = """Listen 127.0.0.1:{port}
LogLevel warn
MaxLogSize 0
Browsing Off
BrowseLocalProtocols none
DefaultAuthType None
WebInterface No
PreserveJobHistory Yes
PreserveJobFiles No
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  SubscriptionPrivateAccess all
  SubscriptionPrivateValues none
  <Limit All>
    Order allow,deny
  </Limit>
</Policy>
"""
PLACES: Final = """ServerRoot {root}/etc
ServerBin {root}/bin
RequestRoot {root}/spool
TempDir {root}/tmp
StateDir {root}/state
CacheDir {root}/cache
AccessLog {root}/access.log
ErrorLog {root}/error.log
PageLog {root}/page.log
Sandboxing relaxed
User {user}
Group {group}
SystemGroup root
"""
PRINTER: Final = """NextPrinterId 2
<Printer {name}>
PrinterId 1
UUID urn:uuid:6a2a2bd2-0000-3000-8000-000000000001
Info {name}
DeviceURI paper:{paper}
State Idle
Type 4
Accepting Yes
Shared Yes
JobSheets none none
QuotaPeriod 0
PageLimit 0
KLimit 0
OpPolicy default
ErrorPolicy abort-job
</Printer>
"""


class CupsQueue:
    """One cupsd; `address` is its queue, `paper` the folder its sheets come out in."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="yizhan-cups-"))
        self.paper = self._root / "paper"
        self._port = _free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._port}"

    @property
    def address(self) -> str:
        """What a technician would set."""
        return f"ipp:{self.host}/printers/{QUEUE}"

    async def __aenter__(self) -> Self:
        assert os.access(CUPSD, os.X_OK), f"{CUPSD} is missing: run make setup"
        self._lay_out()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        shutil.rmtree(self._root)

    async def start(self) -> None:
        """Start the daemon; it listens when this returns."""
        etc = self._root / "etc"
        log = (self._root / "cupsd.out").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            CUPSD,
            "-f",
            "-c",
            str(etc / "cupsd.conf"),
            "-s",
            str(etc / "cups-files.conf"),
            stdout=log,
            stderr=log,
        )
        log.close()
        await soon(self._listens, 15.0)

    async def stop(self) -> None:
        """Stop the daemon; its jobs stay in its folder."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(15):
                await process.wait()

    def set(self, name: str, *, on: bool) -> None:
        """Lay down or take away one of the backend's switches: `empty`, `broken`."""
        if on:
            (self.paper / name).touch()
        else:
            (self.paper / name).unlink()

    def sheets(self) -> dict[str, bytes]:
        """What came out, by the job's name."""
        return {path.stem: path.read_bytes() for path in self.paper.glob("*.pdf")}

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, (self._root / "cupsd.out").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _lay_out(self) -> None:
        """Folders and files, readable by the user backends run as."""
        root = self._root
        root.chmod(0o755)
        for name in (
            "etc",
            "bin/backend",
            "bin/filter",
            "bin/daemon",
            "spool",
            "tmp",
            "state",
            "cache",
            "paper",
        ):
            (root / name).mkdir(parents=True)
        self.paper.chmod(0o777)
        (root / "bin/daemon/cups-exec").symlink_to(EXEC)
        backend = root / "bin/backend/paper"
        backend.write_text(BACKEND)
        backend.chmod(0o755)
        as_root = os.getuid() == 0
        user = "lp" if as_root else pwd.getpwuid(os.getuid()).pw_name
        group = "lp" if as_root else grp.getgrgid(os.getgid()).gr_name
        (root / "etc/cupsd.conf").write_text(SETTINGS.format(port=self._port))
        (root / "etc/cups-files.conf").write_text(PLACES.format(root=root, user=user, group=group))
        (root / "etc/printers.conf").write_text(PRINTER.format(name=QUEUE, paper=self.paper))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])

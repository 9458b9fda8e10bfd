"""Serial and TCP lines alone: every way a line can fail has its error."""

import asyncio
import socket

import pytest

from drivers.errors import Absent, Busy, Garbled, NotThisDevice, TimedOut, Unplugged
from drivers.wires.pseudo_terminal import PseudoTerminal
from drivers.wires.serial_line import open_serial
from drivers.wires.tcp_line import open_tcp
from drivers.wires.wire import Turn, settle
from tests.rig.bench import soon

pytestmark = pytest.mark.rig


@pytest.fixture
async def far():
    heard = bytearray()
    far = PseudoTerminal(heard.extend)
    far.plug()
    far.plug()
    yield far, heard
    far.unplug()
    far.unplug()


async def test_bytes_go_both_ways_at_the_speed_set(far):
    end, heard = far
    line = await open_serial(end.path, 9600, "name")
    assert end.baud == line.baud == 9600
    line.set_baud(57600)
    assert end.baud == line.baud == 57600
    await line.write(b"\x00\x03\x11\r\n\xff")
    await soon(lambda: len(heard) == 6)
    assert heard == b"\x00\x03\x11\r\n\xff"
    await end.send(b"\x13\x04\x7f")
    assert await line.read(2, 1.0) == b"\x13\x04"
    assert await line.read(2, 1.0) == b"\x7f"
    await line.close()
    await line.close()


async def test_a_speed_the_twin_does_not_know_is_zero(far):
    line = await open_serial(far[0].path, 4800, "name")
    assert far[0].baud == 0
    await line.close()


async def test_much_data_waits_until_the_far_end_reads(far):
    end, heard = far
    line = await open_serial(end.path, 115200, "name")
    await line.write(b"x" * 300_000, 10)
    await soon(lambda: len(heard) == 300_000)

    async def read():
        total = 0
        while total < 300_000:
            total += len(await line.read(4096, 5))

    await asyncio.gather(end.send(b"y" * 300_000), read())
    await line.close()


async def test_a_write_nobody_takes_times_out(far):
    end, _ = far
    line = await open_serial(end.path, 115200, "name")
    asyncio.get_running_loop().remove_reader(end._master)
    with pytest.raises(TimedOut):
        await line.write(b"x" * 300_000, 0.1)
    await line.close()


async def test_sending_to_a_program_that_does_not_read_ends_when_the_plug_goes(far):
    end, _ = far
    line = await open_serial(end.path, 115200, "name")
    asyncio.get_running_loop().call_later(0.1, end.unplug)
    async with asyncio.timeout(2):
        await end.send(b"y" * 300_000)
    assert not end.plugged
    await line.close()


async def test_a_broken_line_is_unplugged_for_reads_writes_and_speeds(far):
    end, _ = far
    first = await open_serial(end.path, 9600, "name")
    asyncio.get_running_loop().call_later(0.02, end.unplug)
    with pytest.raises(Unplugged):
        await first.read(1, 5)
    with pytest.raises(Unplugged):
        await first.write(b"x")
    end.plug()
    line = await open_serial(end.path, 9600, "name")
    end.unplug()
    with pytest.raises(Unplugged):
        line.set_baud(115200)
    with pytest.raises(Unplugged):
        await line.write(b"x")
    assert end.plugged is False


async def test_a_line_that_is_none_is_absent_busy_or_not_this_device(far, tmp_path):
    with pytest.raises(Absent):
        await open_serial(str(tmp_path / "none"), 9600, "name")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotThisDevice):
        await open_serial(str(tmp_path / "file"), 9600, "name")
    with pytest.raises(NotThisDevice):
        await open_serial(str(tmp_path), 9600, "name")
    line = await open_serial(far[0].path, 9600, "name")
    with pytest.raises(Busy):
        await open_serial(far[0].path, 9600, "name")
    await line.close()
    await (await open_serial(far[0].path, 9600, "name")).close()


async def test_what_lay_in_the_line_before_is_forgotten_at_open(far):
    end, _ = far
    await end.send(b"old")
    line = await open_serial(end.path, 9600, "name")
    with pytest.raises(TimedOut):
        await line.read(10, 0.01)
    await line.close()


async def test_settle_clears_a_line_or_says_it_is_never_quiet(far):
    end, _ = far
    line = await open_serial(end.path, 9600, "name")
    await end.send(b"rest")
    assert await settle(line, 0.02, 1.0) == b"rest"

    async def listen():
        with pytest.raises(Garbled):
            await settle(line, 0.1, 0.3)

    await asyncio.gather(listen(), end.send(bytes(12_000), bytes_per_s=20_000))
    await line.close()


async def test_a_second_call_waits_its_turn_and_then_is_busy():
    turn = Turn("name", 0.01)
    async with turn:
        with pytest.raises(Busy):
            async with turn:
                raise AssertionError
    async with turn:
        pass


async def test_a_link_to_the_line_is_there_while_it_is_plugged(tmp_path):
    far = PseudoTerminal(lambda _: None, tmp_path / "reader")
    far.plug()
    assert far.path == str(tmp_path / "reader")
    line = await open_serial(far.path, 9600, "name")
    await line.close()
    far.unplug()
    assert list(tmp_path.iterdir()) == []


async def test_tcp_bytes_go_both_ways_and_an_end_is_unplugged():
    heard = bytearray()

    async def serve(reader, writer):
        heard.extend(await reader.readexactly(3))
        writer.write(b"ok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = await open_tcp("127.0.0.1", port, "name")
    with pytest.raises(TimedOut):
        await line.read(1, 0.01)
    await line.write(b"abc")
    assert await line.read(10, 1.0) == b"ok"
    assert heard == b"abc"
    with pytest.raises(Unplugged):
        await line.read(1, 1.0)
    with pytest.raises(Unplugged):
        await line.write(b"x")
    await line.close()
    server.close()


async def test_a_connection_reset_is_unplugged():
    def reset(_, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader = await open_tcp("127.0.0.1", port, "name")
    with pytest.raises(Unplugged):
        await reader.read(1, 1.0)
    writer = await open_tcp("127.0.0.1", port, "name")
    with pytest.raises(Unplugged):
        await writer.write(b"x" * 8_000_000, 1.0)
    server.close()


async def test_nobody_listening_is_absent_and_no_reply_a_timeout():
    spare = socket.socket()
    spare.bind(("127.0.0.1", 0))
    with pytest.raises(Absent):
        await open_tcp("127.0.0.1", spare.getsockname()[1], "name")
    with pytest.raises(Absent):
        await open_tcp("no-such-host.invalid", 9100, "name")
    spare.listen(0)
    lines = [open_tcp("127.0.0.1", spare.getsockname()[1], "name", timeout_s=0.2) for _ in range(8)]
    ends = await asyncio.gather(*lines, return_exceptions=True)  # a listener that accepts nobody is soon full
    assert any(isinstance(end, TimedOut) for end in ends)
    for end in ends:
        if not isinstance(end, BaseException):
            await end.close()
    spare.close()

"""A4 printers, whichever way they are reached: words of printer and job with the next step, a job's end."""

import asyncio
from typing import Final

from drivers.errors import TimedOut
from drivers.ports import JobStage, JobState, SheetPrinter
from matters.model import Words

PRINTER: Final[dict[str, tuple[Words, Words]]] = {
    "ok": (Words(zh="打印机就绪。", en="The printer is ready."), Words(zh="无需操作。", en="Nothing to do.")),
    "near-end": (
        Words(zh="纸盒将空。", en="Paper is nearly out."),
        Words(zh="请添加 A4 纸。", en="Add A4 paper."),
    ),
    "out": (
        Words(zh="打印机缺纸。", en="The printer is out of paper."),
        Words(zh="请添加 A4 纸。", en="Add A4 paper."),
    ),
    "cover": (
        Words(zh="打印机盖未合上。", en="A cover is open."),
        Words(zh="请合上所有盖板。", en="Close all covers."),
    ),
    "jam": (
        Words(zh="打印机卡纸。", en="Paper is jammed."),
        Words(zh="请取出卡纸后合盖。", en="Remove the jammed paper."),
    ),
    "toner": (
        Words(zh="碳粉用尽。", en="The toner is empty."),
        Words(zh="请更换碳粉盒。", en="Replace the cartridge."),
    ),
    "stopped": (
        Words(zh="打印队列已停止或打印机离线。", en="The queue is stopped or the printer offline."),
        Words(
            zh="请检查打印机电源，并由管理员启用队列。",
            en="Check its power; have the manager enable the queue.",
        ),
    ),
}
JOB: Final[dict[JobStage, tuple[Words, Words]]] = {
    "queued": (
        Words(zh="排队等待打印。", en="Waiting in the queue."),
        Words(zh="请稍候。", en="Wait a moment."),
    ),
    "printing": (Words(zh="正在打印。", en="Printing."), Words(zh="请稍候。", en="Wait a moment.")),
    "held": (
        Words(zh="打印停住了。", en="The job stands still."),
        Words(zh="请查看打印机：缺纸、卡纸或盖未合。", en="Look at the printer: paper, jam or cover."),
    ),
    "done": (
        Words(zh="已打印完毕。", en="Printed."),
        Words(zh="请取纸核对。", en="Take the sheets and check them."),
    ),
    "failed": (
        Words(zh="打印失败。", en="Printing failed."),
        Words(
            zh="请查看已出的纸张并登记作废，再补打。",
            en="Look at what came out, mark it spoiled, then reprint.",
        ),
    ),
    "cancelled": (
        Words(zh="打印已取消。", en="The job was cancelled."),
        Words(zh="请确认有无纸张已出。", en="Check whether a sheet came out."),
    ),
    "unknown": (
        Words(zh="队列中没有该任务。", en="The queue has no such job."),
        Words(zh="请查看纸张是否已出。", en="Check whether the sheets came out."),
    ),
}


async def finished(
    printer: SheetPrinter, job: str, timeout_s: float, *, poll_s: float, device: str
) -> JobState:
    """The state of a job once it has ended, asked every `poll_s`; raises TimedOut and what `job` raises."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    state = await printer.job(job)
    while not state.ended:
        if loop.time() + poll_s > end:
            raise TimedOut(f"job still {state.stage}", device=device)
        await asyncio.sleep(poll_s)
        state = await printer.job(job)
    return state

"""The ten steps in order, and the summary of what held."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tests.story import judging, opening, outage, outside, returning
from tests.story.memory import Memory
from tests.story.world import World

Step = Callable[[World, Memory], Awaitable[str]]

STEPS: tuple[tuple[str, Step], ...] = (
    ("中心启动并导入 centre opens, records imported", opening.centre_opens),
    ("大厅与流动车入网 hall and bus enrolled", opening.places_enrol),
    ("登录、放卡自动填入 sign in, card fills the page", opening.clerk_signs_in),
    ("在线查询并签发 answered online, report issued", opening.answered_online),
    ("断线：缓存、待办、拒绝 line hangs: cached, deferred, refused", outage.cut_off),
    ("流动车以优盘交换 bus exchanges by stick", outage.bus_by_stick),
    ("恢复：会签、核定、回电 line returns: countersigned, settled", returning.line_returns),
    ("谁看过他 who saw one citizen", returning.auditor_asks),
    ("篡改被点名 tampering is named", judging.tampering),
    ("日结对账 day close and reconciliation", judging.day_closes),
)


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the story: what it was, whether it held, what was seen."""

    name: str
    ok: bool
    detail: str
    elapsed_s: float


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The document `build/demo/story.json` (shared interface)."""

    steps: tuple[StepResult, ...]
    node: dict[str, Any]
    centre: dict[str, Any]
    reports: tuple[dict[str, str], ...]
    elapsed_s: float

    @property
    def holds(self) -> bool:
        """Every step was played and held."""
        return len(self.steps) == len(STEPS) and all(step.ok for step in self.steps)


async def play(world: World, memory: Memory, out: Console) -> Story:
    """Play every step; the first one that fails ends the story, with its reason in the summary."""
    begun = time.monotonic()
    results: list[StepResult] = []
    for number, (name, step) in enumerate(STEPS, start=1):
        result = await _one(world, memory, name, step)
        results.append(result)
        mark = "[green]✓[/]" if result.ok else "[red]✗[/]"
        out.print(
            f"{mark} {number:2d} {name}  [dim]{result.elapsed_s:.1f} s[/]\n     {result.detail}",
            highlight=False,
        )
        if not result.ok:
            break
    return Story(
        steps=tuple(results),
        node=_node(world, memory),
        centre=await _centre(world, memory),
        reports=tuple(memory.reports),
        elapsed_s=round(time.monotonic() - begun, 1),
    )


async def _one(world: World, memory: Memory, name: str, step: Step) -> StepResult:
    begun = time.monotonic()
    try:
        detail, ok = await step(world, memory), True
    except Exception as error:  # noqa: BLE001 - a supervisor: whatever broke is the step's result
        detail, ok = f"{type(error).__name__}: {error}", False
    return StepResult(name=name, ok=ok, detail=detail, elapsed_s=round(time.monotonic() - begun, 1))


def _node(world: World, memory: Memory) -> dict[str, Any]:
    if not memory.node:
        return {}
    check = world.hall.edge("check")
    return {key: check[key] for key in ("origin", "root", "countersigned")} | {"size": check["entries"]}


async def _centre(world: World, memory: Memory) -> dict[str, Any]:
    if not memory.administrators or not world.programs:
        return {}
    try:
        counted = await outside.centre_rows(world, "SELECT count(*) AS n FROM entry")
    except OSError:
        return {}  # the centre never came up; its step says why
    return {"entries": counted[0]["n"], "findings": memory.centre.get("findings", 0)}


def summary(story: Story) -> Table:
    """The table a person reads at the end."""
    table = Table(title="驿站 Yizhan", show_lines=False)
    for heading in ("", "步骤 step", "结果 what was seen", "s"):
        table.add_column(heading, overflow="fold")
    for step in story.steps:
        table.add_row("✓" if step.ok else "✗", step.name, step.detail, f"{step.elapsed_s:.1f}")
    return table


def run(folder: Path, people: int, out: Console) -> tuple[Story, World, Memory]:
    """Play the story in `folder`; the caller closes the world."""
    world, memory = World(folder, people), Memory()
    try:
        story = asyncio.run(play(world, memory, out))
    except BaseException:
        world.close()
        raise
    world.write("story.json", msgspec.to_builtins(story))
    return story, world, memory

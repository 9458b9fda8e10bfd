"""A client that is gone, or silent, before its body is whole: what an application sees of a cut line."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Program = Callable[[Message, Receive, Send], Awaitable[None]]


def gone_early(program: Program, *, silent: bool = False) -> httpx.ASGITransport:
    """Requests whose body is a part: where it ends the client is gone, or (half-open) nothing more comes, ever."""

    async def part(scope: Message, receive: Receive, send: Send) -> None:
        async def next_piece() -> Message:
            message = await receive()
            if message.get("more_body"):
                return message
            if silent:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        await program(scope, next_piece, send)

    return httpx.ASGITransport(app=part, raise_app_exceptions=False)

"""Waiting for a condition, in place of sleeping for a guess."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Result = TypeVar("Result")

_LOOK_EVERY_S = 0.02


@overload
async def eventually(
    condition: Callable[[], Awaitable[Result]], *, within: float = 10.0, saying: str | None = None
) -> Result: ...
@overload
async def eventually(condition: Callable[[], Result], *, within: float = 10.0, saying: str | None = None) -> Result: ...
async def eventually(condition: Callable[[], Any], *, within: float = 10.0, saying: str | None = None) -> Any:
    """What `condition` returns as soon as that is true in Python's sense; it may be a coroutine function.

    An `AssertionError` of the condition counts as "not yet". After `within` seconds it is raised, with what was last
    seen.
    """
    deadline = time.monotonic() + within
    while True:
        seen: object
        try:
            result = condition()
            seen = answer = (await result) if inspect.isawaitable(result) else result
            if answer:
                return answer
        except AssertionError as not_yet:
            seen = not_yet
        if time.monotonic() > deadline:
            what = saying or inspect.getsource(condition).strip()
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {seen!r}")
        await asyncio.sleep(_LOOK_EVERY_S)

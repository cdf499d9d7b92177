"""The functions that one call's replies called, until each has returned or was given up.

Our own run in the toolbox; the client's are told of, and the client answers. Each has exactly
one result, which goes to the memory; when all are there, a reply to them is owed: at once for
our own and for those given up, at the client's word for the client's. Whether it may speak
now is for turns.py.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from agent.engines import Tool, ToolCall
from agent.events import Event, ReplyOwed, ToolsCalled, ToolsReturned
from agent.memory import Memory
from agent.notices import Notice, ToolCalled, ToolGivenUp
from agent.tool_schema import as_failure

log = logging.getLogger(__name__)

_ROUNDS = 8  # of calls that lead to calls, without a word from the caller; then none is offered


class Functions(Protocol):
    """Our own: `agent.toolbox.Toolbox`."""

    tools: tuple[Tool, ...]

    async def run(self, name: str, arguments: str) -> str: ...


class Errands:
    """Feed `begin` and `answer`; ask `tools` what may be called."""

    def __init__(
        self,
        name: str,
        functions: Functions,
        memory: Memory,
        tell: Callable[[Notice], None],
        step: Callable[[Event], None],
        patience_s: float,
    ) -> None:
        """`name` is what the log calls the call.

        `patience_s`: how long the client may take over an answer.
        """
        self._name, self._functions, self._memory = name, functions, memory
        self._tell, self._step, self._patience_s = tell, step, patience_s
        self._own = frozenset(tool.name for tool in functions.tools)
        self._offered: tuple[Tool, ...] = ()  # by the client
        self._open: dict[str, asyncio.Task[None] | asyncio.Handle] = {}  # by call id
        self._results = 0  # that came so far
        self._told: tuple[int, int] = (0, 0)  # a reply, and the results that it knows
        self._known = 0  # results that a released reply knows
        self._wanted = False  # a reply to them
        self._rounds = 0

    def offer(self, tools: Iterable[Tool]) -> None:
        """Take what the client can do from now on. Our own come first, in name and in place."""
        self._offered = tuple(tool for tool in tools if tool.name not in self._own)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the next reply may call."""
        return () if self._rounds >= _ROUNDS else (*self._functions.tools, *self._offered)

    def begin(self, turn: int, call: ToolCall) -> None:
        """Reply `turn` was released, and wants this called."""
        if self._memory.knows(call.id) or self._rounds > _ROUNDS:
            log.warning(
                "call %s: the brain calls %s again and again; not called", self._name, call.name
            )
            return
        self._memory.called(turn, call)
        if not self._open:
            self._rounds += 1
        self._step(ToolsCalled())  # also of one more: a reply that calls one stands
        loop = asyncio.get_running_loop()
        if call.name in self._own:
            self._open[call.id] = loop.create_task(self._run(call))
        elif any(tool.name == call.name for tool in self._offered):
            self._open[call.id] = loop.call_later(self._patience_s, self._give_up, call.id)
            self._tell(ToolCalled(turn, call.id, call.name, call.arguments))
        else:
            output = as_failure(f"there is no function {call.name}")
            self._open[call.id] = loop.call_soon(self._returned, call.id, output)

    def answer(self, call_id: str, output: str) -> None:
        """The client's function has returned. Too late, it changes nothing."""
        if handle := self._open.pop(call_id, None):
            handle.cancel()
            self._take(call_id, output)

    def want(self) -> None:
        """Speak of the results once all are there, unless a released reply knows them."""
        if not self._open and self._told[1] > self._known:
            self._step(ToolsReturned())  # a reply that is tried out, and knows them, stands now
        self._wanted = True
        self._settle()

    def told(self, turn: int) -> None:
        """Reply `turn` is being prepared, with all that the memory holds now."""
        self._told = (turn, self._results)

    def released(self, turn: int) -> None:
        """Reply `turn` will be heard."""
        if self._told[0] == turn:
            self._known = self._told[1]

    def caller_spoke(self) -> None:
        """Not only functions lead to replies."""
        self._rounds = 0

    def close(self) -> None:
        """The call is over; what still runs returns to nobody."""
        for handle in self._open.values():
            handle.cancel()
        self._open.clear()

    async def _run(self, call: ToolCall) -> None:
        self._returned(call.id, await self._functions.run(call.name, call.arguments))

    def _give_up(self, call_id: str) -> None:
        output = as_failure(f"no result within {self._patience_s:g} s")
        log.warning(
            "call %s: a function of the client's brought no result within %g s (agent.tool_s)",
            self._name,
            self._patience_s,
        )
        self._tell(ToolGivenUp(call_id, output))
        self._returned(call_id, output)

    def _returned(self, call_id: str, output: str) -> None:
        """There is a result, and nobody but us to ask for a reply to it."""
        del self._open[call_id]
        self._wanted = True
        self._take(call_id, output)

    def _take(self, call_id: str, output: str) -> None:
        self._memory.returned(call_id, output)
        self._results += 1
        if not self._open:
            self._step(ToolsReturned())
        self._settle()

    def _settle(self) -> None:
        """One reply to all results, however many were called and whoever ran them."""
        if not self._wanted or self._open:
            return
        self._wanted = False
        if self._results > self._known:
            self._step(ReplyOwed())

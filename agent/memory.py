"""The conversation as the model must see it: what was said, cut to what was heard, and which
functions were called for it. A result stands with its call, however late it came.
"""

from collections import OrderedDict
from dataclasses import replace

from agent.engines import Exchange, ToolCall, ToolUse

_TEXTS = 50  # typed and not answered; the oldest go


class Memory:
    """The last exchanges of one call, oldest first. Bounded: the oldest go."""

    def __init__(self, exchanges: int = 50) -> None:
        self._exchanges = exchanges
        self._past: OrderedDict[int, Exchange] = OrderedDict()  # by turn
        self._early: tuple[int, str] = (0, "")  # understood before its exchange was over
        self._typed: list[tuple[int, str]] = []  # numbered, not answered yet
        self._texts = 0  # typed so far
        self._shown: tuple[int, int] = (0, 0)  # a reply, and the last text that it knows of
        self._written: dict[int, str] = {}  # by turn, what of it was typed
        self._uses: dict[int, dict[str, ToolUse]] = {}  # by turn and id; it may not be over
        self._fillers: dict[int, dict[int, str]] = {}  # by turn of the exchange and their own

    def add(self, exchange: Exchange) -> None:
        """An exchange is over. Where neither side was understood a brain may have the audio."""
        self._past[exchange.turn] = self._understood(exchange)
        if len(self._past) > self._exchanges:
            oldest, _ = self._past.popitem(last=False)
            self._uses.pop(oldest, None)
            self._written.pop(oldest, None)
            self._fillers.pop(oldest, None)

    def bridge(self, turn: int, agent: str) -> None:
        """What was heard of filler `turn`: it came before the result, so it goes before it."""
        if agent and self._past:
            self._fillers.setdefault(next(reversed(self._past)), {})[turn] = agent

    def cut(self, turn: int, agent: str) -> None:
        """Of a reply or filler that is over no more than this was heard.

        The exchange stays, even of nothing: a brain may have kept what the caller said in it.
        """
        for fillers in self._fillers.values():
            if turn in fillers:
                fillers[turn] = agent
        if exchange := self._past.get(turn):
            self._past[turn] = replace(exchange, agent=agent)

    def understood(self, turn: int, transcript: str) -> None:
        """What the caller said before reply `turn`, known only now; it may be over."""
        if exchange := self._past.get(turn):
            self._past[turn] = replace(exchange, caller=transcript)
        else:
            self._early = (turn, transcript)

    def typed(self, text: str) -> None:
        """The caller wrote this; the next reply answers it."""
        self._texts += 1
        self._typed = [*self._typed, (self._texts, text)][-_TEXTS:]

    def before(self, turn: int, held: Exchange | None = None) -> tuple[Exchange, ...]:
        """All that reply `turn` must know: the past, what is `held` of a reply that the caller
        spoke over, and what was typed since.
        """
        if turn:  # else it is a hint, and no reply
            self._shown = (turn, self._texts)
        typed = "\n".join(text for _, text in self._typed)
        new = (held, Exchange(typed, "", turn) if typed else None)
        return (*self.past, *filter(None, new))

    def answered(self, turn: int) -> None:
        """Reply `turn` was released, to what it knows."""
        shown, last = self._shown
        if shown != turn:
            return
        if known := [text for number, text in self._typed if number <= last]:
            self._written[turn] = "\n".join(known)
        self._typed = [(number, text) for number, text in self._typed if number > last]

    def called(self, turn: int, call: ToolCall) -> None:
        """Reply `turn` called a function."""
        self._uses.setdefault(turn, {})[call.id] = ToolUse(call)

    def knows(self, call_id: str) -> bool:
        """Whether a function was called under this id, in the exchanges remembered."""
        return any(call_id in uses for uses in self._uses.values())

    def returned(self, call_id: str, output: str) -> None:
        """What a function returned; nothing changes if its exchange was forgotten."""
        for uses in self._uses.values():
            if call_id in uses:
                uses[call_id] = replace(uses[call_id], output=output)

    def completed(self, exchange: Exchange) -> Exchange:
        """One that is not over yet, as `past` would have it if it were."""
        return self._whole(self._understood(exchange))

    @property
    def past(self) -> tuple[Exchange, ...]:
        """What is over, oldest first."""
        return tuple(map(self._whole, self._past.values()))

    def _understood(self, exchange: Exchange) -> Exchange:
        """With what was understood of the caller, by a brain that knew it before the end."""
        turn, transcript = self._early
        early = transcript if turn == exchange.turn else ""
        return replace(exchange, caller=exchange.caller or early)

    def _whole(self, exchange: Exchange) -> Exchange:
        """What was said, with what was typed and called."""
        uses = self._uses.get(exchange.turn, {})
        caller = [self._written.get(exchange.turn, ""), exchange.caller]
        fillers = [*filter(None, self._fillers.get(exchange.turn, {}).values())]
        return replace(
            exchange,
            caller="\n".join(filter(None, caller)),
            agent=" ".join(filter(None, [exchange.agent, *fillers])),
            tools=tuple(uses.values()),
            bridged=bool(fillers),
        )

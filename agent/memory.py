"""The conversation as the model must see it: what was said, cut to what was heard."""

from collections import OrderedDict
from dataclasses import replace

from agent.engines import Exchange


class Memory:
    """The last exchanges of one call, oldest first. Bounded: the oldest go."""

    def __init__(self, exchanges: int = 50) -> None:
        self._exchanges = exchanges
        self._past: OrderedDict[int, Exchange] = OrderedDict()  # by turn
        self._early: tuple[int, str] = (0, "")  # understood before its exchange was over

    def add(self, exchange: Exchange) -> None:
        """An exchange is over. Nothing is kept of one in which neither side was understood."""
        turn, transcript = self._early
        if turn == exchange.turn:
            exchange = replace(exchange, caller=exchange.caller or transcript)
        if exchange.caller or exchange.agent:
            self._past[exchange.turn] = exchange
        if len(self._past) > self._exchanges:
            self._past.popitem(last=False)

    def understood(self, turn: int, transcript: str) -> None:
        """What the caller said before reply `turn`, known only now; it may be over."""
        if exchange := self._past.get(turn):
            self._past[turn] = replace(exchange, caller=transcript)
        else:
            self._early = (turn, transcript)

    @property
    def past(self) -> tuple[Exchange, ...]:
        return tuple(self._past.values())

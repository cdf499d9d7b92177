"""What all calls of a server have in common."""

from dataclasses import dataclass, field

from agent.canned import Canned
from agent.config import Config
from agent.errands import Functions
from agent.in_turn import InTurn
from agent.metrics import Metrics
from agent.smart_turn.opinion import Asked


@dataclass(frozen=True, slots=True)
class Shared:
    """Made once, at start."""

    config: Config
    canned: Canned
    metrics: Metrics
    functions: Functions  # the operator's own
    adviser: Asked | None = None  # of the callers' pauses; None: Smart Turn is off
    in_turn: InTurn = field(default_factory=InTurn)

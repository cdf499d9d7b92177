"""Every legal transition of turns.py: what happened -> where to, and what to do about it."""

from collections.abc import Callable

from agent import events as ev
from agent.commands import Command
from agent.floor import Floor
from agent.state import (
    CLOSED,
    HEARING,
    LISTENING,
    OVERLAP,
    PAUSED,
    REPLYING,
    WEIGHING,
    YIELDED,
    State,
)
from agent.wait import Deadline

Effect = Callable[[Floor], list[Command]]

# What changes no state, whatever that is.
ANYWHERE: dict[type, Effect] = {
    ev.Typed: Floor.see_sign,
    ev.Held: Floor.hold_on,
    ev.Resumed: Floor.come_back,
    ev.Muted: Floor.mute,
    ev.Unmuted: Floor.unmute,
    ev.ToolsCalled: Floor.await_results,
    ev.ToolsReturned: Floor.await_no_results,
}

# An event missing from its row is ignored.
TABLE: dict[State, dict[type, tuple[State, Effect]]] = {
    LISTENING: {
        ev.Connected: (REPLYING, Floor.greet),
        ev.SpeechStarted: (HEARING, Floor.hear),
        Deadline: (REPLYING, Floor.ask),
        ev.ReplyWanted: (REPLYING, Floor.release),
        ev.ReplyOwed: (REPLYING, Floor.release),
        ev.UtteranceUnwanted: (LISTENING, Floor.forget),
        ev.HungUp: (CLOSED, Floor.discard),
    },
    HEARING: {
        ev.SpeechEnded: (PAUSED, Floor.prepare),
        ev.ReplyWanted: (REPLYING, Floor.release),
        ev.ReplyOwed: (HEARING, Floor.owe),
        ev.UtteranceUnwanted: (LISTENING, Floor.take_back),
        ev.HungUp: (CLOSED, Floor.forget),
    },
    PAUSED: {
        ev.SpeechStarted: (HEARING, Floor.discard),
        Deadline: (REPLYING, Floor.finish_turn),
        ev.ReplyWanted: (REPLYING, Floor.release),
        ev.ReplyOwed: (PAUSED, Floor.think_again),
        ev.UtteranceUnwanted: (LISTENING, Floor.take_back),
        ev.HungUp: (CLOSED, Floor.forget),
    },
    REPLYING: {
        ev.SoundNoticed: (REPLYING, Floor.duck),
        ev.SoundPassed: (REPLYING, Floor.restore),
        ev.SpeechStarted: (OVERLAP, Floor.overlap),
        Deadline: (REPLYING, Floor.stand),
        ev.ReplyFinished: (LISTENING, Floor.finish),
        ev.ReplyOwed: (REPLYING, Floor.owe),
        ev.ReplyUnwanted: (LISTENING, Floor.silence),
        ev.HungUp: (CLOSED, Floor.abandon),
    },
    OVERLAP: {
        ev.SpeechEnded: (REPLYING, Floor.forget_overlap),
        Deadline: (YIELDED, Floor.give_way),
        ev.ReplyFinished: (HEARING, Floor.hear),
        ev.ReplyOwed: (OVERLAP, Floor.owe),
        ev.ReplyUnwanted: (HEARING, Floor.silence),
        ev.UtteranceUnwanted: (REPLYING, Floor.forget_overlap),
        ev.HungUp: (CLOSED, Floor.abandon),
    },
    YIELDED: {
        ev.SpeechEnded: (WEIGHING, Floor.prepare),
        Deadline: (HEARING, Floor.interrupt),
        ev.ReplyUnheard: (HEARING, Floor.interrupt),
        ev.ReplyOwed: (YIELDED, Floor.owe),
        ev.ReplyUnwanted: (HEARING, Floor.silence),
        ev.UtteranceUnwanted: (REPLYING, Floor.carry_on),
        ev.HungUp: (CLOSED, Floor.abandon),
    },
    WEIGHING: {
        ev.SpeechStarted: (YIELDED, Floor.go_on),
        ev.Agreed: (REPLYING, Floor.carry_on),
        ev.Asked: (PAUSED, Floor.interrupt),
        Deadline: (REPLYING, Floor.carry_on),
        ev.ReplyOwed: (WEIGHING, Floor.think_again),
        ev.ReplyUnwanted: (PAUSED, Floor.silence),
        ev.UtteranceUnwanted: (REPLYING, Floor.carry_on),
        ev.HungUp: (CLOSED, Floor.abandon),
    },
    CLOSED: {},
}

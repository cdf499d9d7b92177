"""What a session may set of whose turn it is. Values only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TurnRules:
    """Replaced in mid-call, they hold from the next state on."""

    end_of_turn_s: float  # the wait; where pauses are judged, until the first judgement
    barge_in_s: float
    silence_prompt_s: float
    silence_prompts: int
    idle_s: float  # of silence end a call in which nobody is asked
    confirm_s: float  # from a suspicion until it would have been confirmed
    filler_s: float | None = None  # of silence while a function runs; None: no filler
    greets: bool = True
    asks: bool = True  # in a silence, whether the caller is there
    parts: bool = True  # with a word, from a caller who is not
    create_response: bool = True  # answer at the end of a turn without being asked
    interrupt_response: bool = True  # speech over a reply stops it
    judges: bool = False  # PauseJudged says how long to wait
    longest_s: float = float("inf")  # whatever it says, from the caller's last speech
    withdraw_s: float = 0.0  # speech so soon in a reply goes on with the utterance
    backchannel_s: float = 0.0  # speech over a reply may be so long and no turn; 0: none may
    backchannel_wait_s: float = 0.0  # of silence, and then the reply goes on

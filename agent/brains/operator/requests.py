"""What a caller may ask of the operator, as data: one JSGF expansion for each way to ask it.

JSGF (W3C note, 2000): `[x]` is optional, `(x | y)` a choice, `<x>` another rule. Only words of
the recogniser's bundled dictionary; a test looks.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.brains.operator import numbers


class Intent(StrEnum):
    """What the caller wants."""

    GREETING = "greeting"
    TIME = "time"
    DATE = "date"
    DAY = "day"
    JOKE = "joke"
    WHO = "who"
    ABILITIES = "abilities"
    REPEAT = "repeat"
    COUNT = "count"
    LOUDER = "louder"
    QUIETER = "quieter"
    SLOWER = "slower"
    FASTER = "faster"
    HOLD = "hold"
    RESUME = "resume"
    THANKS = "thanks"
    STOP = "stop"
    NEVER_MIND = "never mind"
    YES = "yes"  # these two only when we have asked
    NO = "no"
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True)
class Request:
    """An utterance understood."""

    intent: Intent
    words: str  # what the caller said
    phrase: str = ""  # REPEAT: what to say, "" if they stopped short of it
    number: int = 0  # COUNT: how far, 1..100
    is_sure: bool = True  # False: another request sounds nearly the same


def same(one: Request | None, other: Request | None) -> bool:
    """Whether two requests, however worded, are for the same; a request and none are not."""
    if one is None or other is None:
        return one is other
    return (one.intent, one.phrase, one.number) == (other.intent, other.phrase, other.number)


REPEATABLE: Final = (
    "go forward ten meters",
    "go back five steps",
    "turn left at the corner",
    "the quick brown fox jumps over the lazy dog",
    "she sells sea shells by the sea shore",
    "peter piper picked a peck of pickled peppers",
    "how much wood would a woodchuck chuck",
    "to be or not to be that is the question",
    "an apple a day keeps the doctor away",
    "the early bird catches the worm",
    "practice makes perfect",
    "actions speak louder than words",
    "better late than never",
    "the rain in spain stays mainly in the plain",
    "houston we have a problem",
    "may the force be with you",
    "i have a dream",
    "testing one two three",
)

# Parts that several requests share.
RULES: Final = {
    "opening": "<hello> [operator] | operator | okay | excuse me | [no] [please] stop",
    "hello": "hello | hi | good (morning | afternoon | evening)",
    "closing": "please | operator",
    "ask": "please | (can | could | would) you [please]",
    "tell": "[<ask>] tell me | do you know",
    "speak": "[<ask>] (speak | talk)",
    "bit": "a (bit | little)",
    "moment": "moment | minute | second",
    "phrase": " | ".join(REPEATABLE),
    "number": numbers.SPOKEN,
}

WAYS: Final = {
    Intent.GREETING: (
        "<hello>",
        "how are you",
        "nice to meet you",
    ),
    Intent.TIME: (
        "what time is it [now]",
        "(what is | what's) the time",
        "(do you have | have you got) the time",
        "<tell> (the time | what time it is | what the time is)",
    ),
    Intent.DATE: (
        "(what is | what's) (the date | today's date)",
        "<tell> (the date | today's date)",
    ),
    Intent.DAY: (
        "what day [of the week] is (it [today] | today)",
        "<tell> what day [of the week] it is",
    ),
    Intent.JOKE: (
        "<tell> (a | another | one more) joke",
        "do you know (any | some) jokes",
        "<tell> something funny",
        "[<ask>] make me laugh",
        "i (want | would like) to hear (a | another) joke",
        "another joke",
    ),
    Intent.WHO: (
        "who are you",
        "(what is | what's) your name",
        "who is this",
        "who am i (speaking | talking) (to | with)",
        "<tell> (your name | who you are)",
        "are you a (robot | computer | machine | person | human)",
    ),
    Intent.ABILITIES: (
        "what can you do [for me]",
        "what can i (ask [you] | say)",
        "what do you (know | understand)",
        "[can you] help me",
        "help",
        "i need help",
        "how can you help me",
        "<tell> what you can do",
    ),
    Intent.REPEAT: (
        "[<ask>] (repeat | say) after me [<phrase>]",
        "[<ask>] (repeat | say) <phrase>",
        "<phrase>",
    ),
    Intent.COUNT: ("[<ask>] count to <number>",),
    Intent.LOUDER: (
        "<speak> ([<bit>] louder | up)",
        "[<bit>] louder",
        "i can't hear you",
    ),
    Intent.QUIETER: (
        "<speak> ([<bit>] quieter | more quietly)",
        "[<bit>] quieter",
        "not so loud",
    ),
    Intent.SLOWER: (
        "<speak> ([<bit>] slower | more slowly)",
        "[<bit>] slower",
        "[<ask>] slow down",
        "not so fast",
    ),
    Intent.FASTER: (
        "<speak> [<bit>] faster",
        "[<bit>] faster",
    ),
    Intent.HOLD: (
        "[<ask>] (hold on | hold the line | hang on)",
        "[<ask>] wait [a <moment>]",
        "<ask> hold",
        "([just] one | just a) <moment>",
        "[<ask>] give me (a | one) <moment>",
    ),
    Intent.RESUME: (
        "(i'm | i am) (back | here) [again]",
        "[<ask>] (continue | resume | carry on)",
        "(let's | let us) continue",
    ),
    Intent.THANKS: (
        "thank you [(very | so) much]",
        "thanks [a lot]",
    ),
    Intent.STOP: (
        "stop [it | that | talking | counting]",
        "no [please] stop",
        "<ask> (stop [talking | counting] | be quiet)",
        "be quiet",
        "(that is | that's) enough",
    ),
    Intent.NEVER_MIND: (
        "never mind",
        "forget (it | about it)",
        "no thank you",
    ),
    Intent.YES: (
        "yes [please | i did | it is | that's right]",
        "(yeah | yep | right | okay | sure)",
        "(that is | that's) right",
    ),
    Intent.NO: ("no [i did not | i didn't]", "nope"),
    Intent.GOODBYE: (
        "(goodbye | good bye | bye | bye bye)",
        "[<ask>] (hang up | end the call)",
        "see you [later | soon]",
        "good night",
        "(that is | that's) all",
        "have a nice day",
    ),
}

# What callers say and we cannot do. Without these the recogniser would take the nearest request
# for it, and the sound would even agree: "happy birthday" is nearly "have a good day".
FOILS: Final = (
    "maybe [later] | well | oh | uh [huh] | um",
    "and | but | or | if | up | of | the | to | that | this | with | not | on | in | lovely",
    "good | great | sorry | i'm sorry | no problem | no thanks | nothing",
    "happy birthday | congratulations | good luck | merry christmas | welcome | nice",
    "how old are you | how tall (is | are) | where (are you | is) | when is | why | what | who",
    "what is (it | that | this | your favorite | two plus two | the weather | the capital of)",
    "what (did you say | do you mean | do you want | are you doing | happened | time)",
    "who (is it | was that | is there | are they) | who knows | whose is it",
    "do you (like | want | have | think | remember | speak) | did you | have you got",
    "say that again | i don't know | i don't understand | i do not understand | i see | i know",
    "i (want | would like | need) to (order | speak to | talk to | buy | cancel | know | go)",
    "tell me (about | more | why | how | where | the weather | the news | a story | your age)",
    "can you (play | send | open | call | book | tell | give | show | transfer me | find)",
    "turn (on | off) the (light | lights | music) | play some music | open the door",
    "set an alarm | call me [back] | call my mother | read me the news | send a message",
    "how (much is it | much does it cost | many | far | long | do i get to) | how is it going",
    "thank god | that's (it | great | good | fine | not all) | that is good",
    "my name is | my number is | this is | here is | there is | there was | it was | it is",
    "he | she | we | they | you | i | you know | i mean | i think | let me see | let me think",
    "go away | come here | look | listen | start | hey | excuse me | pardon [me]",
)

"""What a caller says over a reply in a word or two, as data: JSGF, as in requests.py.

One grammar of what wants the reply to end, and one of what only shows that somebody listens:
the recogniser says which of the two explains the sound better (overheard.py). Each must know
what sounds like words of the other, or those are taken for it.
"""

from typing import Final

# Only what wants silence. No "okay wait": "okay" alone is taken for it. No "help", "slower" and
# the like: "stop" is taken for them, and they are requests, of which the recogniser is certain.
COMMANDS: Final = ("<command>", "please stop", "hey [stop | you]")
SIGNS: Final = (
    "[oh | ah | mm | yeah | okay | um | yes] (<sign>)",
    "yeah yeah yeah",
)
RULES: Final = {
    "command": (
        "stop [it | that | talking | please] | enough | that's enough | [be] quiet | hush"
        " | wait [a (minute | second | moment)] | hold on | hang on | (one | just a) <moment>"
        " | no [no | stop | wait | thanks] | nope | never mind | excuse me | pardon [me]"
        " | sorry | hello | goodbye"
    ),
    "moment": "moment | second",
    "sign": (
        "mm | hmm | mmhm | uhhuh | huh | um | oh | ah | aha | wow | yeah | yes | yep | yup"
        " | okay | right | alright | all right | sure | true | indeed | exactly | of course"
        " | i see | got it | really | that's (right | good | great) | [very] good | great"
        " | fine | nice | cool | interesting"
    ),
}

# Sounds that are no words, or not those of the dictionary, which is American: as callers and
# espeak-ng make them. Of British words both grammars have their share, or one would gain by it.
SOUNDS: Final = {
    "mm": ("M", "M M", "HH M", "M HH M", "EH M", "AH M"),
    "hmm": ("HH M", "HH AH M", "HH UH M", "HH EH M"),
    "mmhm": ("M HH M", "AH M HH AH M", "EH M HH EH M", "M HH AH M", "HH M HH M"),
    "uhhuh": (
        "AH HH AH",
        "AH HH AH N",
        "AH HH UW",
        "AA HH AA",
        "AH HH AH HH",
        "EH HH EH",
        "AH AH",
    ),
    "aha": ("AA HH AA", "AH HH AA"),
    "huh": ("HH AH",),
    "yeah": ("Y AE", "Y AE AH", "Y EH", "Y EH AH", "Y AA"),
    "wow": ("W AW", "W AW AH"),
    "oh": ("OW", "AH UH"),
    "ah": ("AA",),
    "stop": ("S T AA P", "S T AO P"),
    "no": ("N OW", "N AH UH"),
    "nope": ("N OW P", "N AH UH P"),
    "hello": ("HH AH L OW", "HH EH L OW", "HH AH L AH UH"),
    "sorry": ("S AA R IY", "S AO R IY"),
    "pardon": ("P AA R D AH N", "P AA D AH N"),
    "okay": ("OW K EY", "AH UH K EY"),
    "got": ("G AA T", "G AO T"),
    "course": ("K AO R S", "K AO S"),
    "sure": ("SH UH R", "SH AO"),
}

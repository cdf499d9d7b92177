"""From tokens to text as they come: each character as soon as its last byte is there."""

import codecs

from agent.brains.voxtral.tekken import Tekken


class Detokenizer:
    """The text of one reply. Special tokens write nothing; whoever asks for tokens sees them.

    No word is held back: pieces may end in the middle of one. Bytes that are no UTF-8 become
    U+FFFD, as in the tokenizer's own decoding; a character that the last token leaves
    unfinished becomes nothing, for nobody could say it.
    """

    def __init__(self, tekken: Tekken) -> None:
        self._tekken = tekken
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """What is complete with this token; often a word, sometimes ""."""
        return self._decoder.decode(self._tekken.spell(token))

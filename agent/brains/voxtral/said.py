"""A reply as the model made it, token by token, and what of it was heard.

Tokens that were heard are remembered as they were made and not as a tokenizer would write
their text: the cache holds them already. Pure.
"""


class Said:
    """The text of one reply. It may still grow."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self._bare: list[str] = []  # of each token, without white space

    def add(self, token: int, text: str) -> None:
        """The next token, and what it added to the text: "" where it ends inside a letter."""
        self.tokens.append(token)
        self._bare.append(_bare(text))

    def heard(self, text: str) -> tuple[list[int], str]:
        """The tokens behind what was heard, and what of `text` they do not say.

        `text` has its white space normalised, and may be cut at any word. It may go on
        differently (an apology); the tokens end where they part.
        """
        wanted = _bare(text)
        if wanted == "".join(self._bare):
            return [*self.tokens], ""
        kept = said = 0  # tokens, and letters of theirs
        ahead = 0
        for count, bare in enumerate(self._bare, start=1):
            if not wanted.startswith(bare, ahead):
                break
            ahead += len(bare)
            if bare:  # a token without a letter belongs to the next, unless there is none
                kept, said = count, ahead
        return self.tokens[:kept], _after(text, said)


def _bare(text: str) -> str:
    return "".join(text.split())


def _after(text: str, letters: int) -> str:
    """What comes behind the first `letters` that are not white space."""
    for at, letter in enumerate(text):
        if letters == 0:
            return text[at:] if text[at:].strip() else ""
        letters -= not letter.isspace()
    return ""

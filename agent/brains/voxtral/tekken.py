"""Voxtral's tokenizer: text to ids, ids to bytes, and the ids that mean something.

The vocabulary and its byte-pair merges are mistral_common's; the format that goes around them
is in prompt.py. Ids below `specials` are special, and never come out of text, whatever it says.
"""

from functools import lru_cache
from pathlib import Path

from mistral_common.tokens.tokenizers.base import TokenizerVersion
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

from agent.errors import ConfigError

_TEXTS = 1024  # remembered: instructions, tools and past turns are asked for again and again


class Tekken:
    """The tokenizer of one checkpoint.

    Raises ConfigError where it is not Voxtral's, OSError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            instruct = MistralTokenizer.from_file(path).instruct_tokenizer
            inner = instruct.tokenizer
            if not isinstance(inner, Tekkenizer):
                raise ValueError("an older kind of tokenizer")
            if inner.version != TokenizerVersion.v7 or instruct.audio_encoder is None:
                raise ValueError(f"version {inner.version.value}, wanted v7 with audio")
            special = inner.get_special_token
            self.bos, self.eos = special("<s>"), special("</s>")
            self.inst, self.end_inst = special("[INST]"), special("[/INST]")
            self.tools = special("[AVAILABLE_TOOLS]")
            self.end_tools = special("[/AVAILABLE_TOOLS]")
            self.tool_calls = special("[TOOL_CALLS]")
            self.tool_results = special("[TOOL_RESULTS]")
            self.tool_content = special("[TOOL_CONTENT]")
            self.end_tool_results = special("[/TOOL_RESULTS]")
            self.audio, self.begin_audio = special("[AUDIO]"), special("[BEGIN_AUDIO]")
            self.transcribe = special("[TRANSCRIBE]")
        except OSError:
            raise
        except Exception as error:  # whatever the file makes mistral_common raise
            raise ConfigError(
                f"voxtral.model: {path} is not Voxtral's tokenizer ({error}); use a Voxtral"
                " checkpoint such as mistralai/Voxtral-Mini-3B-2507"
            ) from error
        self.specials: int = inner.num_special_tokens
        self.size: int = inner.n_words
        self._bytes = inner._model.decode_single_token_bytes
        self._encode = lru_cache(_TEXTS)(
            lambda text: tuple(inner.encode(text, bos=False, eos=False))
        )

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of the text alone."""
        return self._encode(text)

    def spell(self, token: int) -> bytes:
        """What a token writes: nothing if it is special, perhaps half a character if not."""
        written: bytes = b"" if token < self.specials else self._bytes(token - self.specials)
        return written

"""A session's language, in words a model knows and in codes Voxtral was trained with."""

from typing import Final

from agent.engines import Conversation
from agent.language import primary

# Of Voxtral's transcripts; others are recognised without being named.
_TRANSCRIBED: Final = frozenset({"en", "fr", "de", "es", "it", "pt", "nl", "hi"})
_DEFAULT: Final = "en"
_NAMES: Final = {
    **{"ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German"},
    **{"el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French"},
    **{"he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian"},
    **{"it": "Italian", "ja": "Japanese", "ko": "Korean", "nb": "Norwegian"},
    **{"nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese"},
    **{"ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish"},
    **{"uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese"},
}


def instructions(conversation: Conversation) -> str:
    """What the model is told before all else; of English nothing, it speaks that unasked."""
    tag = conversation.language
    code = primary(tag)
    if code in ("", _DEFAULT):
        return conversation.instructions
    asked = f"Always answer in {_NAMES.get(code, f'the language {tag}')}."
    return f"{conversation.instructions} {asked}".strip()


def transcribed(tag: str) -> str:
    """The code for a transcript's prompt; "" leaves the language to the model."""
    code = primary(tag)
    return code if code in _TRANSCRIBED else ""

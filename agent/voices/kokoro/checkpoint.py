"""Kokoro's files, from the hub or from a folder: config.json, one .pth, voices/*.pt.

Whatever is missing is named before any call is taken. Only this module may download, and only
what `kokoro.model` asks for; KModel is always given paths.
"""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from agent.errors import ConfigError, EngineError, first_line, installs

log = logging.getLogger(__name__)

MOST_PHONEMES: Final = 510
STYLE: Final = 256  # numbers in a style
_DEFAULT_VOICE: Final = "af_heart"
_PATTERNS: Final = ["config.json", "*.pth", "voices/*.pt"]
_NEEDED: Final = "a folder with config.json, the .pth file and voices/*.pt"
_ARCHIVE: Final = b"PK\3\4"  # so begin files that torch can map; an older kind it cannot
# Never stored in the released file; KModel leaves them at one and zero.
_UNSTORED: Final = (".norm.weight", ".norm.bias", "position_ids", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model and where its voices are."""

    model: Any  # kokoro.KModel, on the CPU
    vocabulary: Mapping[str, int]  # phoneme -> token
    voices: "Voices"


class Voices:
    """The voice packs of a folder, each read when it is first wanted."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError when there is none, OSError where it may not be looked into."""
        self._folder = folder
        found = folder.iterdir() if folder.is_dir() else ()  # glob passes over what it may not
        names = sorted(path.stem for path in found if path.suffix == ".pt")
        if not names:
            raise ConfigError(
                f"kokoro.model: no voices in {folder}; it must hold one .pt file a voice, such"
                " as af_heart.pt from hexgrad/Kokoro-82M"
            )
        names.sort(key=lambda name: name != _DEFAULT_VOICE)
        self.names = tuple(names)
        self._pack = cache(self._load)

    def style(self, name: str, phonemes: int) -> Tensor:
        """[256]: how one of `names` says so many phonemes. Raises EngineError for its file."""
        return self._pack(name)[min(max(phonemes, 1), MOST_PHONEMES) - 1, 0]

    def _load(self, name: str) -> Tensor:
        path = self._folder / f"{name}.pt"
        try:
            pack = torch.load(path, map_location="cpu", weights_only=True)
            if pack.shape != (MOST_PHONEMES, 1, STYLE):
                raise ValueError(f"its shape is {tuple(pack.shape)}")
            return pack.float()  # type: ignore[no-any-return]
        except OSError as error:
            raise EngineError(
                f"Kokoro's voice {path} cannot be read: {error.strerror}"
            ) from error
        except Exception as error:  # torch.load raises and returns what the file makes it
            raise EngineError(
                f"Kokoro's voice {path} is damaged; delete it and download it again"
            ) from error


def load(model: str) -> Checkpoint:
    """From a hub id or a folder; takes seconds, or a download.

    Raises ConfigError, and OSError for a file that cannot be read.
    """
    folder = find(model)
    config, weights = folder / "config.json", _weights(folder)
    voices = Voices(folder / "voices")
    with warnings.catch_warnings():
        # torch.jit, weight_norm and LSTM dropout, of which we can do nothing
        warnings.simplefilter("ignore")
        kmodel = _build(config, weights)
    _check_weights(kmodel, weights)
    log.info("Kokoro loaded from %s with %d voices", folder, len(voices.names))
    return Checkpoint(kmodel, kmodel.vocab, voices)


def find(model: str) -> Path:
    """The checkpoint's folder, downloaded if `model` is a hub id. Raises ConfigError."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"kokoro.model: {folder} has no config.json; it must be {_NEEDED}"
            )
        return folder
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise ConfigError(
            f"kokoro.model: there is no folder {model!r}, and it is no hub id either; give"
            f" {_NEEDED}, or hexgrad/Kokoro-82M"
        )
    return _download(model)


def _download(model: str) -> Path:
    """The hub's snapshot: the one already here if it is whole, else what is missing of it.

    Where it is here nobody is asked: a hub that is not answered for would hold up the start.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise ConfigError(
            f"kokoro.model: huggingface_hub is missing; {installs('voxtral')}"
        ) from error

    def fetch(*, here: bool) -> Path:
        return Path(snapshot_download(model, allow_patterns=_PATTERNS, local_files_only=here))

    try:
        folder = find(str(fetch(here=True)))
        _weights(folder)
        Voices(folder / "voices")
    except (ConfigError, LocalEntryNotFoundError):
        log.info("Kokoro: fetching %s from the hub (350 MB)", model)
    except Exception as error:
        raise _unfetched(model, error) from error
    else:
        return folder
    try:
        return fetch(here=False)
    except Exception as error:  # offline, cut off, disk full: errors of several libraries
        raise _unfetched(model, error) from error


def _unfetched(model: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"kokoro.model: {model} cannot be had from the hub: {first_line(error)}; check the name"
        f" and the network (HF_HUB_OFFLINE, HF_TOKEN), or put {_NEEDED} on this machine"
    )


def _weights(folder: Path) -> Path:
    found = sorted(folder.glob("*.pth"))
    if len(found) == 1:
        return found[0]
    what = "no .pth file" if not found else f"{len(found)} .pth files"
    raise ConfigError(
        f"kokoro.model: {folder} has {what}; it must be {_NEEDED}, and the .pth file is"
        " kokoro-v1_0.pth of hexgrad/Kokoro-82M"
    )


def _build(config: Path, weights: Path) -> Any:
    try:
        from kokoro import KModel
    except ImportError as error:
        raise ConfigError(
            f"Kokoro needs packages that are missing ({error}); {installs('voxtral')}"
        ) from error
    try:
        # The id is a label here (its absence prints); both files are given, none is fetched.
        model = KModel("hexgrad/Kokoro-82M", str(config), str(weights))
        tokens = range(model.text_encoder.embedding.num_embeddings)
        ids = [*model.vocab.values()] if isinstance(model.vocab, dict) else []
        if not ids or not all(type(id) is int and id in tokens for id in ids):
            raise ValueError("its vocab is no table of tokens")
    except OSError:
        raise
    except Exception as error:  # json, pickle, missing keys: the files are not Kokoro's
        raise ConfigError(
            f"kokoro.model: {weights} with {config.name} is no checkpoint of Kokoro"
            f" ({first_line(error)}); download it again"
        ) from error
    return model.eval()


def _check_weights(model: Any, weights: Path) -> None:
    """KModel loads what fits and passes over the rest in silence."""
    with weights.open("rb") as file:
        mapped = file.read(len(_ARCHIVE)) == _ARCHIVE
    stored = torch.load(weights, map_location="cpu", weights_only=True, mmap=mapped)
    lacking = []
    for section, module in model.named_children():
        held = {n.removeprefix("module."): t.shape for n, t in stored.get(section, {}).items()}
        lacking += [
            f"{section}.{name}"
            for name, wanted in sorted(module.state_dict().items())
            if not name.endswith(_UNSTORED) and held.get(name) != wanted.shape
        ]
    if lacking:
        raise ConfigError(
            f"kokoro.model: {weights} lacks {lacking[0]} and {len(lacking) - 1} more tensors of"
            " the shape that config.json gives them; download both files again"
        )

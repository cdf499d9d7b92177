"""Where a checkpoint is and what is wrong with it, found out before anything is loaded.

Reads file names, JSON and the headers of the weights; a checkpoint that will not do is refused
in a second, not after nine gigabytes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from agent.errors import ConfigError, first_line

_INDEX = "model.safetensors.index.json"
_WEIGHTS = "model.safetensors"
_WANTED = ("config.json", "generation_config.json", "tekken.json", "model*.safetensors", _INDEX)
_ARCHITECTURE = "VoxtralForConditionalGeneration"
_REMEDY = "mistralai/Voxtral-Mini-3B-2507"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete checkpoint of the right architecture, in a folder."""

    folder: Path
    sizes: dict[str, int]  # of each weight, in numbers
    positions: int  # the longest conversation it was trained for

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tekken.json"

    def weight_bytes(self, itemsize: int, quantized: Callable[[str], bool]) -> int:
        """What the weights take, at one byte each where `quantized` says so of their name."""
        return sum(
            size * (1 if quantized(name) else itemsize) for name, size in self.sizes.items()
        )


def find(model: str, progress: type[Any] | None = None) -> Checkpoint:
    """The checkpoint that `voxtral.model` names, fetched if need be. Raises ConfigError.

    `progress` is a class like tqdm, for a download.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
            raise ConfigError(
                f"voxtral.model: there is no folder {model}; name the folder of a downloaded"
                f" checkpoint, or a hub id such as {_REMEDY}"
            )
        folder = _from_hub(model, progress)
    return examine(folder)


def examine(folder: Path) -> Checkpoint:
    """Check a folder. Raises ConfigError."""
    config = _json(folder / "config.json")
    try:
        found = str((config.get("architectures") or ["an unnamed architecture"])[0])
        text = config.get("text_config") or {}
        positions = int(text.get("max_position_embeddings", 32_768))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unfit(folder / "config.json", error) from error
    if found != _ARCHITECTURE:
        raise ConfigError(
            f"voxtral.model: {folder} holds {found}, not {_ARCHITECTURE}"
            + (", and Realtime only transcribes" if "Realtime" in found else "")
            + f"; use {_REMEDY}"
        )
    if config.get("quantization_config"):
        raise ConfigError(
            f"voxtral.model: {folder} is quantized already, which is not supported; use"
            f" {_REMEDY}, and voxtral.quantization to have it quantized here"
        )
    if not (folder / "tekken.json").is_file():
        raise _incomplete(folder, ["tekken.json"])
    sizes: dict[str, int] = {}
    for shard in _shards(folder):
        sizes |= _header(shard)
    return Checkpoint(folder, sizes, positions)


def unfit(path: Path, error: Exception) -> ConfigError:
    """What came of using what a file says."""
    why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return _damaged(path, f"has a value of a wrong kind ({why})")


def _shards(folder: Path) -> list[Path]:
    index = folder / _INDEX
    names = {_WEIGHTS}
    try:
        if index.is_file():
            names = set(_json(index).get("weight_map", {}).values())
        missing = sorted(name for name in names if not (folder / name).is_file())
    except (AttributeError, TypeError) as error:
        raise unfit(index, error) from error
    if missing or not names:
        raise _incomplete(folder, missing or [f"the weights that {_INDEX} should name"])
    return [folder / name for name in sorted(names)]


def _header(shard: Path) -> dict[str, int]:
    """Numbers in each tensor of a safetensors file, which begins with a JSON of them."""
    try:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 2**27)))
        tensors = {name: about for name, about in header.items() if name != "__metadata__"}
        end = max((about["data_offsets"][1] for about in tensors.values()), default=0)
        wanted, have = 8 + length + end, shard.stat().st_size
        sizes = {name: prod(about["shape"]) for name, about in tensors.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _damaged(shard, "has no readable header") from error
    if have != wanted:
        raise _damaged(shard, f"has {have} bytes and should have {wanted}")
    return sizes


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise _incomplete(path.parent, [path.name]) from error
    except ValueError as error:
        raise _damaged(path, f"is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise _damaged(path, "is no JSON object")
    return found


def _incomplete(folder: Path, missing: list[str]) -> ConfigError:
    shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
    kind = ""
    if (folder / "consolidated.safetensors").is_file():
        kind = " (it holds Mistral's own format; the one of transformers is needed)"
    return ConfigError(
        f"voxtral.model: {folder} is incomplete: no {shown}{kind}; download it again:"
        f" hf download {_REMEDY} --local-dir {folder}"
    )


def _damaged(path: Path, what: str) -> ConfigError:
    return ConfigError(f"voxtral.model: {path} {what}; delete it and download it again")


def _from_hub(model: str, progress: type[Any] | None) -> Path:
    """The hub's snapshot: the one already here if it is whole, else what is missing of it."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    def fetch(*, here: bool) -> Path:
        return Path(
            snapshot_download(
                model,
                allow_patterns=list(_WANTED),
                local_files_only=here,
                tqdm_class=progress,
            )
        )

    try:
        folder = fetch(here=True)
        examine(folder)
    except (ConfigError, LocalEntryNotFoundError):
        pass  # not here, or in part
    except HFValidationError as error:
        raise ConfigError(f"voxtral.model: {model!r} is no hub id; write owner/name") from error
    else:
        return folder
    try:
        return fetch(here=False)
    except GatedRepoError as error:
        raise ConfigError(
            f"voxtral.model: {model} is gated; accept its terms at https://huggingface.co/{model}"
            " and set HF_TOKEN to a token of that account"
        ) from error
    except RepositoryNotFoundError as error:
        raise ConfigError(
            f"voxtral.model: the hub has no {model}, or it is private; check the id, or set"
            " HF_TOKEN to a token that may read it"
        ) from error
    except Exception as error:  # offline, cut off, disk full: errors of several libraries
        why = f"{type(error).__name__}: {first_line(error)[:150]}"
        raise ConfigError(
            f"voxtral.model: {model} is not on this machine and cannot be fetched"
            f" ({why}); with a network elsewhere run:"
            f" hf download {model} --local-dir voxtral, copy the folder here and set"
            " voxtral.model to it"
        ) from error

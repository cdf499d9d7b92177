"""Where a model's weights are: in a folder, in the hub's cache, or still on the hub.

Knows the layout that Hugging Face's hub and its cache have, and imports nothing of it.
"""

import json
import os
import socket
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

_HUB = "https://huggingface.co"
_PORTS = {"https": 443, "socks5": 1080, "socks5h": 1080}
_PATIENCE_S = 2.0
_LENGTH_BYTES = 8  # of the header, which comes next
_HEADER_BYTES = 2**27  # of a safetensors file, at most
_NOTES = "__metadata__"  # the one entry of a header that is no tensor
_TRUE = {"1", "on", "yes", "true"}
_ARCHIVE = b"PK\3\4"  # so begins what torch saves: a zip, whose list of contents comes last


@dataclass(frozen=True, slots=True)
class Weights:
    """What was found of a model, and what is to be done if that is not enough."""

    folder: Path | None  # where they lie, complete
    size_bytes: int = 0
    lacks: str = ""  # what is missing; "" when they lie there, or can be fetched
    remedy: str = ""

    def __str__(self) -> str:
        if self.folder is not None:
            return f"{self.folder} ({self.size_bytes / 1e9:.1f} GB)"
        return self.lacks or "not here yet; they are fetched from the hub at the first start"


def find(model: str) -> Weights:
    """Look for a hub id or a folder; ask the hub only for what is not here. Never raises."""
    found = here(model)
    if found.folder is not None or _is_path(model):
        return found
    why = _hub_trouble()
    if not why:
        return Weights(None)
    return Weights(
        None,
        0,
        f"{model} is not on this machine, and {why}",
        f"run `hf download {model}` where there is a network, or name the folder of a copy",
    )


def here(model: str) -> Weights:
    """Look on this machine only. Never raises."""
    try:
        return _here(model)
    except OSError as error:
        why = f"{error.filename or model} cannot be read: {error.strerror}"
        return Weights(None, 0, why, "let the user that runs Voxline read it")


def _here(model: str) -> Weights:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _examined(folder, f"copy the whole checkpoint into {folder}")
    if _is_path(model):
        return Weights(None, 0, f"there is no folder {model}", "correct the path")
    cached = _cached(model)
    if cached is not None:
        return _examined(cached, f"run: hf download {model}")
    return Weights(None, 0, f"{model} is not on this machine", f"run: hf download {model}")


def _is_path(model: str) -> bool:
    """Whether no hub can have it."""
    return os.path.isdir(Path(model).expanduser()) or model.startswith(("/", "./", "../", "~"))


def _examined(folder: Path, remedy: str) -> Weights:
    """A folder with a config and every file of weights that its index names."""
    if not (folder / "config.json").is_file():
        return Weights(None, 0, f"{folder} has no config.json", remedy)
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    try:
        names = {
            str(name)
            for index in indexes
            for name in json.loads(index.read_text())["weight_map"].values()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Weights(None, 0, f"{indexes[0]} cannot be read", remedy)
    files = [folder / name for name in sorted(names)] or [
        *folder.glob("model*.safetensors"),
        *folder.glob("*.pth"),
    ]
    absent = [file.name for file in files if not file.is_file()]
    if absent or not files:
        lacking = ", ".join(absent) or "weights"
        return Weights(None, 0, f"{folder} has no {lacking}", remedy)
    for file in files:
        if _is_cut(file):
            return Weights(None, 0, f"{file} was cut off", f"delete it and {remedy}")
    return Weights(folder, sum(file.stat().st_size for file in files))


def _is_cut(file: Path) -> bool:
    """Whether it is shorter than its own beginning says. What is no such file at all is left
    to whoever loads it."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            begins = opened.read(_LENGTH_BYTES)
            if len(begins) < _LENGTH_BYTES:
                return True
            if begins.startswith(_ARCHIVE):
                return not zipfile.is_zipfile(opened)
            if file.suffix != ".safetensors":
                return False
            length = int.from_bytes(begins, "little")
            if length > size:
                return True
            header = json.loads(opened.read(min(length, _HEADER_BYTES)))
        ends = [about["data_offsets"][1] for name, about in header.items() if name != _NOTES]
        return bool(size < _LENGTH_BYTES + length + max(ends, default=0))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def cache() -> Path:
    """Where the hub's files go on this machine, by the variables that its library reads."""
    general = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", os.path.join(general, "huggingface"))
    older = os.environ.get("HUGGINGFACE_HUB_CACHE", os.path.join(home, "hub"))
    return Path(os.path.expandvars(os.environ.get("HF_HUB_CACHE", older))).expanduser()


def _cached(model: str) -> Path | None:
    """The newest snapshot in the hub's cache."""
    repository = cache() / f"models--{model.replace('/', '--')}"
    try:
        name = (repository / "refs" / "main").read_text().strip()
    except OSError:
        return None
    snapshot = repository / "snapshots" / name
    return snapshot if name and snapshot.is_dir() else None


def _hub_trouble() -> str:
    """Why nothing can be fetched; "" if it can. A connection is tried, nothing is sent."""
    for switch in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(switch, "").lower() in _TRUE:
            return f"{switch} is set"
    way = _way(urlsplit(os.environ.get("HF_ENDPOINT", _HUB)))
    port = way.port or _PORTS.get(way.scheme, 80)
    try:
        with socket.create_connection((str(way.hostname), port), _PATIENCE_S):
            return ""
    except OSError as error:
        return f"{way.hostname} cannot be reached ({error})"


def _way(hub: SplitResult) -> SplitResult:
    """Whom to ask: the hub, or the proxy that stands before it."""
    proxies = getproxies()
    proxy = proxies.get(hub.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(str(hub.hostname)):
        return hub
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")

"""Loading in the log instead of a bar: a line for every tenth."""

import io
import logging
from typing import Any

from tqdm.std import tqdm

log = logging.getLogger(__name__)


class Progress(tqdm):  # type: ignore[misc]
    """What the hub and transformers take for a bar. Draws nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("name", None)  # huggingface_hub's own
        kwargs |= {"disable": False, "file": io.StringIO()}
        self._told = -1
        super().__init__(*args, **kwargs)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Called by tqdm when a bar would be drawn."""
        done = self.n / self.total if self.total else 0.0
        if int(done * 10) > self._told:
            self._told = int(done * 10)
            log.info("%s: %d %%", (self.desc or "loading").rstrip(": "), self._told * 10)
        return True

    def clear(self, *_: Any, **__: Any) -> None:
        """Nothing was drawn."""

    def close(self) -> None:
        if not self.disable:
            self.display()
        self.leave = False
        super().close()

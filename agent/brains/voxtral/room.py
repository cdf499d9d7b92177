"""Whether the model fits, and how many calls beside it. Pure arithmetic over bytes."""

from dataclasses import dataclass

from agent.config import Config
from agent.errors import ConfigError

# What a pass works in at its widest, an encoder pass, beside recorded graphs and libraries'
# workspaces; reckoned for Voxtral-Mini in half precision, to be measured on each new GPU.
WORK_BYTES = 3 * 2**29
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Room:
    """How the memory is shared out."""

    slots: int
    slot_bytes: int
    weight_bytes: int
    free_bytes: int  # before anything was loaded

    def __str__(self) -> str:
        return (
            f"{self.weight_bytes / _GIB:.1f} GiB of weights and {self.slots} slots of"
            f" {self.slot_bytes / 2**20:.0f} MiB in {self.free_bytes / _GIB:.1f} GiB"
        )


def share_out(config: Config, free: int, weights: int, slot: int, work: int) -> Room:
    """Slots for `voxtral.calls`, or for as many of `limits.calls` as fit. Raises ConfigError.

    One slot more is taken, to scratch in.
    """
    fit = (free - weights - work) // slot - 1
    wanted = config.voxtral.calls
    if fit < 1:
        need = (weights + work + 2 * slot) / _GIB
        raise ConfigError(
            f"voxtral.model: one call needs {need:.1f} GiB of memory and {free / _GIB:.1f} are"
            " free; stop what else uses the GPU (nvidia-smi), set voxtral.quantization to int8,"
            f" or voxtral.context_tokens below {config.voxtral.context_tokens}"
        )
    if wanted > fit:
        raise ConfigError(
            f"voxtral.calls={wanted}: memory is left for {fit} ({slot / 2**20:.0f} MiB each);"
            f" set voxtral.calls to {fit} or 0, or voxtral.context_tokens below"
            f" {config.voxtral.context_tokens}"
        )
    return Room(wanted or min(fit, config.limits.calls), slot, weights, free)

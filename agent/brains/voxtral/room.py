"""Whether the model fits, and how many calls beside it. Pure arithmetic over bytes."""

from dataclasses import dataclass, replace

from agent.config import Config, Voxtral
from agent.errors import ConfigError

# What a pass works in at its widest, an encoder pass, beside recorded graphs and libraries'
# workspaces; reckoned for Voxtral-Mini in half precision. admission.py corrects it.
WORK_BYTES = 3 * 2**29
_GIB = 2**30
_ASIDE = {"transcript": "transcripts", "judge_end": "the judge of ends"}  # share one slot


@dataclass(frozen=True, slots=True)
class Room:
    """How the memory is shared out."""

    slots: int
    slot_bytes: int
    audio_bytes: int  # that a call keeps beside its slot
    weight_bytes: int
    free_bytes: int  # before anything was loaded

    @property
    def call_bytes(self) -> int:
        return self.slot_bytes + self.audio_bytes

    def without(self, missing: int) -> "Room | None":
        """With as many slots less as give `missing` bytes; None if not one would be left."""
        slots = self.slots - max(1, -(-missing // self.call_bytes))
        return replace(self, slots=slots) if slots > 0 else None

    def __str__(self) -> str:
        return (
            f"{self.weight_bytes / _GIB:.1f} GiB of weights and {self.slots} slots of"
            f" {self.call_bytes / 2**20:.0f} MiB in {self.free_bytes / _GIB:.1f} GiB"
        )


def audio_bytes(context: int, hidden: int, itemsize: int) -> int:
    """A call keeps embeddings of what it heard, for as many positions as a slot has at most."""
    return context * hidden * itemsize


def needs_pen(wanted: Voxtral) -> bool:
    """Whether a slot is wanted for what is asked beside the replies of all calls."""
    return any(getattr(wanted, key) for key in _ASIDE)


def share_out(
    config: Config, free: int, weights: int, slot: int, audio: int, work: int
) -> Room:
    """Slots for `voxtral.calls`, or for as many of `limits.calls` as fit. Raises ConfigError.

    A call takes `slot` and `audio` bytes, as does all that is asked beside their replies
    together, where that is wanted. One slot more is taken, to scratch in.
    """
    left, call = free - weights - work - slot, slot + audio
    fit = left // call
    calls, pen = config.voxtral.calls, int(needs_pen(config.voxtral))
    if fit < 1:
        need = (free - left + call) / _GIB
        raise ConfigError(
            f"voxtral.model: one call needs {need:.1f} GiB of memory and {free / _GIB:.1f} are"
            " free; stop what else uses the GPU (nvidia-smi), set voxtral.quantization to int8,"
            f" or voxtral.context_tokens below {config.voxtral.context_tokens}"
        )
    if calls and calls + pen > fit:
        most = fit - pen
        aside = {key: what for key, what in _ASIDE.items() if getattr(config.voxtral, key)}
        beside = f" beside {' and '.join(aside.values())}" if pen else ""
        ways = [f"voxtral.calls to {most} or 0" if most else "voxtral.calls to 0"]
        if calls <= fit:
            ways += [f"voxtral.{key} to false" for key in aside]
        raise ConfigError(
            f"voxtral.calls={calls}: memory is left for {most}{beside}"
            f" ({call / 2**20:.0f} MiB each); set {', '.join(ways)}, or"
            f" voxtral.context_tokens below {config.voxtral.context_tokens}"
        )
    slots = calls + pen if calls else min(fit, config.limits.calls + pen)
    return Room(slots, slot, audio, weights, free)

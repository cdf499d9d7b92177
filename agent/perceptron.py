"""A small network that judges: one layer of rectified units, whose sum is a logit.

Knows numbers only; benchmarks/perceptron_fit.py fits one, with torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.audio.frame import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """Call it with [..., inputs]; it returns the logits, [...]."""

    inner: Samples  # [inputs, units]
    thresholds: Samples  # [units]
    outer: Samples  # [units]
    bias: float

    def __call__(self, inputs: Samples) -> Any:  # as numpy: a number of [inputs]
        return np.maximum(0, inputs @ self.inner + self.thresholds) @ self.outer + self.bias

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> "Perceptron":
        """Return that of an opened .npz, or of what `arrays` returned."""
        inner, thresholds, outer = (
            np.asarray(arrays[name], np.float32) for name in ("inner", "thresholds", "outer")
        )
        return cls(inner, thresholds, outer, float(arrays["bias"]))

    def arrays(self) -> dict[str, Any]:
        """Return what to keep; of `inner` 11 bits of each number, which are enough."""
        return {
            "inner": self.inner.astype(np.float16),
            "thresholds": self.thresholds,
            "outer": self.outer,
            "bias": self.bias,
        }

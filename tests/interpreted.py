"""Triton's kernels: compiled where there is a GPU, run by its interpreter where there is none
(conftest.py asks for that)."""

import pytest
import torch

pytest.importorskip("triton")

from agent.brains.voxtral import fused, kernels

__all__ = ["DEVICE", "fused", "kernels"]

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

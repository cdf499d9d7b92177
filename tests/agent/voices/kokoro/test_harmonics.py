"""Our transforms are torch's, and end where the row does."""

import pytest
import torch

from agent.voices.kokoro.harmonics import overlap, samples, spectra
from agent.voices.kokoro.masked import span

WINDOW = torch.hann_window(20, periodic=True).double()
SIGNAL = torch.randn(2, 100, generator=torch.Generator().manual_seed(0)).double()
VALID = torch.tensor([60, 100])
SPAN = span(VALID // 5 + 1, 21, SIGNAL)


def theirs(signal):
    bins = torch.stft(signal, 20, 5, 20, WINDOW, return_complex=True)
    return torch.cat((bins.abs(), bins.angle()))


def test_spectra_are_those_of_torch_stft_for_each_row_alone():
    got = spectra(SIGNAL, VALID, WINDOW, 5, SPAN)
    for row, signal, n in zip(got, SIGNAL, VALID, strict=True):
        wanted = theirs(signal[:n])
        assert torch.allclose(row[:, : wanted.shape[1]], wanted, atol=1e-9)
        assert not row[:, wanted.shape[1] :].any()


def test_samples_are_those_of_torch_istft_up_to_the_last():
    both = spectra(SIGNAL, VALID, WINDOW, 5, SPAN)
    got = samples(both[:, :11], both[:, 11:], WINDOW, 5, SPAN)
    assert got.shape == SIGNAL.shape
    for row, signal, n in zip(got, SIGNAL, VALID, strict=True):
        assert torch.allclose(row[:n], signal[:n], atol=1e-12)
        assert not row[n + 10 :].any()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_overlapping_windows_add_up(count):
    total = overlap(torch.ones(1, count, 20), 5)[0]
    assert len(total) == 5 * (count + 3)
    assert total.sum() == 20 * count
    assert total.max() == min(count, 4)

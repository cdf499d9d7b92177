"""Turns as a server's metrics count them, and the text that its /metrics is."""

from agent.metrics import Marks


def turn(metrics, answer_s, brain_s=0.02):
    """A turn that took so long as a whole, and so long in the brain."""
    metrics.turn_measured(
        Marks(0.0, 0.07, 0.07, 0.07 + brain_s, 0.08 + brain_s, answer_s - 0.01, answer_s)
    )


def text(metrics):
    return metrics.text().decode()

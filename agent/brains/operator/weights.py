"""Fitted numbers of certainty.py: `python -m benchmarks.understanding --fit`."""

from typing import Final

BIAS: Final = 17.71
THRESHOLD: Final = 0.5762
DOUBT: Final = 400
# low and high bound of a measure, and its weight, in the order of `certainty.Measures`
WEIGHTS: Final = (
    (3.847, 5.703, 0.3888),
    (1.386, 3.611, -6.025),
    (1, 11, 1.016),
    (6.96, 22.5, -0.2064),
    (2, 12, -0.2982),
    (0, 3.951, -0.9286),
    (-68.29, -24.99, 0.02008),
    (-40.74, 14.03, 0.4152),
    (-92.78, 1.639, 0.0623),
    (-66.97, 0, -0.08284),
    (0, 1, 1.415),
    (0, 4.248, -0.6475),
    (-22.06, -5.432, -0.3501),
    (-800, -187.8, 0.001843),
)

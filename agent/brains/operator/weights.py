"""Fitted numbers of certainty.py: `python -m benchmarks.understanding --fit`."""

from typing import Final

BIAS: Final = 17.37
THRESHOLD: Final = 0.2788
# low and high bound of a measure, and its weight, in the order of `certainty.Measures`
WEIGHTS: Final = (
    (3.909, 5.843, -10.28),
    (1.792, 3.784, 10.66),
    (1, 11.36, 0.5517),
    (6.16, 22, 0.2358),
    (2, 10.18, 1.13),
    (0, 4.382, -1.882),
    (-62.8, -20.45, 0.1275),
    (-35.17, 20.31, 0.3861),
    (-98.94, 6.54, 0.1724),
    (-65.82, 0.9911, -0.1205),
    (0, 1, 7.474),
    (0, 4.431, -1.378),
    (-23.37, -5.715, -0.2215),
    (-769.5, -185.1, -0.004662),
)

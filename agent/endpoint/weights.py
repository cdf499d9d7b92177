"""The weights of odds.py, as `python -m benchmarks.endpoint_fit` wrote them."""

from agent.endpoint.odds import Weights

FITTED = Weights(
    bias=-3.0,
    of={
        "fall": 1.45,
        "creak": 0.16,
        "sink": 0.32,
        "hiss": 0.51,
        "doubt": 0.5,
        "noisy": -0.3,
    },
)

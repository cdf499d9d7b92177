"""The weights of odds.py, as `python -m benchmarks.endpoint_fit` wrote them."""

from agent.endpoint.odds import Weights

FITTED = Weights(
    bias=-3.137,
    of={
        "fall": 1.423,
        "creak": 0.069,
        "sink": 0.31,
        "hiss": 0.588,
        "doubt": 0.423,
        "noisy": -0.302,
    },
)

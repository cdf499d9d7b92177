"""The weights of odds.py, as `python -m benchmarks.endpoint_fit` wrote them."""

from agent.endpoint.odds import Weights

FITTED = Weights(
    bias=-3.043,
    of={
        "fall": 1.382,
        "creak": 0.102,
        "sink": 0.364,
        "hiss": 0.533,
        "doubt": 0.453,
        "noisy": -0.303,
    },
)

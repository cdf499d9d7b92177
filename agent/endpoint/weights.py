"""The weights of odds.py, as `python -m benchmarks.endpoint_fit` wrote them."""

from agent.endpoint.odds import Weights

FITTED = Weights(
    bias=-2.95,
    of={
        "fall": 1.48,
        "creak": 0.107,
        "sink": 0.404,
        "hiss": 0.66,
        "doubt": 0.382,
        "noisy": -0.306,
    },
)

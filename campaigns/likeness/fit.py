"""Regularised logistic regression on levels.

The loss is sum(log(1 + exp(z)) - y z) + penalty / 2 * |w|^2, z = intercept + the weights of a person's levels; the intercept is not
penalised. Each period of the training gets a level of its own that scoring leaves out: what only marks a good or a bad month earns no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit

from .design import Feature, Person, Table, code_matrix

PENALTY = 10.0
# a month may be good or bad as it likes
PERIOD_PENALTY = 0.5


@dataclass(frozen=True)
class Weights:
    """What a fit found: per feature the weight of each level. `score` is the log odds up to a constant, highest is likest."""

    features: tuple[Feature, ...]
    weights: tuple[np.ndarray, ...]

    def score(self, people: Sequence[Person]) -> np.ndarray:
        table = Table(people, names=[feature.name for feature in self.features])
        return self.score_codes(code_matrix(self.features, table))

    def score_codes(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        for column, weights in enumerate(self.weights):
            total += weights[codes[:, column]]
        return total

    def as_json(self) -> list[dict[str, Any]]:
        return [
            feature.as_json() | {"weights": [round(float(weight), 6) for weight in weights]}
            for feature, weights in zip(self.features, self.weights, strict=True)
        ]

    @classmethod
    def of_json(cls, told: list[dict[str, Any]]) -> Weights:
        return cls(
            tuple(Feature.of_json(one) for one in told), tuple(np.array(one["weights"], dtype=float) for one in told)
        )


def one_hot(codes: np.ndarray, sizes: Sequence[int]) -> csr_matrix:
    """Rows of zeros with a one at each level of the person."""
    rows, columns = codes.shape
    starts = np.cumsum([0, *sizes])
    places = (codes + starts[:-1]).ravel()
    ends = np.arange(rows + 1) * columns
    return csr_matrix((np.ones(len(places)), places, ends), shape=(rows, int(starts[-1])))


def loss(
    theta: np.ndarray, matrix: csr_matrix, bought: np.ndarray, penalty: float | np.ndarray = PENALTY
) -> tuple[float, np.ndarray]:
    """The loss at theta (the intercept first) and its gradient."""
    z = theta[0] + matrix @ theta[1:]
    pulled = penalty * theta[1:]
    value = np.sum(np.logaddexp(0, z) - bought * z) + np.dot(pulled, theta[1:]) / 2
    rest = expit(z) - bought
    return float(value), np.concatenate([[rest.sum()], matrix.T @ rest + pulled])


def _mean_loss(
    theta: np.ndarray, matrix: csr_matrix, bought: np.ndarray, penalty: np.ndarray
) -> tuple[float, np.ndarray]:
    """Per row, so that the search ends at the same closeness however many rows there are."""
    value, gradient = loss(theta, matrix, bought, penalty)
    return value / len(bought), gradient / len(bought)


def fit(
    features: Sequence[Feature], codes: np.ndarray, bought: np.ndarray, periods: np.ndarray | None = None
) -> Weights:
    """The weights of these persons. `periods` numbers the period of each; with None the months are mixed."""
    sizes = [feature.size for feature in features]
    penalties = [PENALTY] * len(sizes)
    if periods is not None:
        codes = np.column_stack([codes, np.unique(periods, return_inverse=True)[1]])
        sizes.append(int(codes[:, -1].max()) + 1)
        penalties.append(PERIOD_PENALTY)
    matrix = one_hot(codes, sizes)
    share = np.clip(bought.mean(), 1e-6, 1 - 1e-6)
    start = np.zeros(matrix.shape[1] + 1)
    start[0] = np.log(share / (1 - share))
    told = (matrix, bought.astype(float), np.repeat(penalties, sizes))
    found = minimize(_mean_loss, start, args=told, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    ends = np.cumsum(sizes)
    weights = [found.x[1 + end - size : 1 + end] for end, size in zip(ends, sizes, strict=True)]
    return Weights(tuple(features), tuple(weights[: len(features)]))

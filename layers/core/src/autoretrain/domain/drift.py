"""How far the features of newer trades have moved from those of the trades that a model was fitted
on, and how far chance alone would move them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEAST_TRADES = 100
NEWEST_TRADES = 500
MOST_FEATURES = 100
"""A model's reference keeps that many features: those that it leans on most."""

CHANCE = 0.01
"""How rarely trades like the fitted ones alone may call any of a model's features drifted."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How many trades of either kind have a feature's value in each bin; the last bin counts those
    that lack it. Both have the same bins, and their sums are the numbers of trades."""

    feature: str
    fitted: Sequence[int]
    newest: Sequence[int]


@dataclass(frozen=True, slots=True)
class Drift:
    """One feature's population stability index, and the limit that it has to pass."""

    feature: str
    psi: float
    limit: float

    @property
    def drifted(self) -> bool:
        return self.psi > self.limit


def drifts(spreads: Sequence[Spread], threshold: float) -> list[Drift]:
    """The farthest beyond its limit first. The limit is the threshold, or what chance does to any
    of so many features where that is more: with few trades it is."""
    found = [
        Drift(spread.feature, psi(spread), max(threshold, by_chance(spread, len(spreads))))
        for spread in spreads
    ]
    return sorted(found, key=lambda one: (one.limit - one.psi, one.feature))


def psi(spread: Spread) -> float:
    """Σ (aᵢ − eᵢ) ln(aᵢ / eᵢ) over the bins, e the share of the fitted and a of the newest trades;
    a bin that only one of them leaves empty counts as half a trade of it. N. Siddiqi, Credit Risk
    Scorecards (2006)."""
    told = 0.0
    for fitted, newest in _used_bins(spread):
        e = max(fitted, 0.5) / sum(spread.fitted)
        a = max(newest, 0.5) / sum(spread.newest)
        told += (a - e) * math.log(a / e)
    return told


def by_chance(spread: Spread, features: int) -> float:
    """What PSI exceeds for one of so many undrifted features with probability `CHANCE`.

    PSI of B bins is about χ²(B − 1) · (1/n + 1/m) for n and m independent trades: B. Yurdakul and
    J. Naranjo, Statistical properties of the population stability index (2020). The quantile of χ²
    is that of E. Wilson and M. Hilferty (1931).
    """
    freedom = len(_used_bins(spread)) - 1
    if freedom < 1:
        return 0.0
    z = NormalDist().inv_cdf(1 - CHANCE / features)
    part = 2 / (9 * freedom)
    quantile = freedom * (1 - part + z * math.sqrt(part)) ** 3
    return quantile * (1 / sum(spread.fitted) + 1 / sum(spread.newest))


def _used_bins(spread: Spread) -> list[tuple[int, int]]:
    bins = zip(spread.fitted, spread.newest, strict=True)
    return [(fitted, newest) for fitted, newest in bins if fitted or newest]

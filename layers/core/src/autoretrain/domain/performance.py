"""How a strategy's trades went, week by week, with what a small number of them is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

Z_95 = 1.959964
ENOUGH_TRADES = 30


@dataclass(frozen=True, slots=True)
class Week:
    """The executed, closed trades decided in the week that begins on the Monday `week` (UTC).

    `pnl_pct` is their sum in percent, net of fees.
    """

    week: date
    trades: int
    wins: int
    pnl_pct: float

    @property
    def win_rate(self) -> float:
        return self.wins / self.trades

    @property
    def win_rate_low(self) -> float:
        return self._wilson(-1)

    @property
    def win_rate_high(self) -> float:
        return self._wilson(1)

    @property
    def enough(self) -> bool:
        """Fewer trades are not enough evidence of anything."""
        return self.trades >= ENOUGH_TRADES

    def _wilson(self, side: int) -> float:
        """The 95 % score interval; E. B. Wilson, JASA 22 (1927) 209-212."""
        n, z2 = self.trades, Z_95**2
        spread = Z_95 * math.sqrt(self.win_rate * (1 - self.win_rate) / n + z2 / (4 * n * n))
        bound = (self.win_rate + z2 / (2 * n) + side * spread) / (1 + z2 / n)
        return min(max(bound, 0.0), 1.0)

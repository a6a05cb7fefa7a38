"""Which features a strategy's trades have: a weight for any other is refused where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from autoretrain.errors import Invalid
from autoretrain.storage.database import Transaction

OF_THE_TRADE = {"side", "symbol"}
SHOWN = 20


def refuse_unknown_weights(
    tx: Transaction, strategy_id: UUID, weights: Mapping[str, float] | None
) -> None:
    """Raises Invalid; without trades nothing is known yet, and nothing refused."""
    if not weights:
        return
    known = {row.name for row in tx.all("newest_feature_names", strategy_id=strategy_id)}
    unknown = sorted(weights.keys() - known - OF_THE_TRADE)
    if known and unknown:
        names = sorted(known)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise Invalid(
            f"feature_weights: the newest trades have no {', '.join(unknown[:SHOWN])}; they have"
            f" {', '.join(names[:SHOWN])}{more}"
        )

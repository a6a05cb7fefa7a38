"""When to retrain: every condition, each in a file of its own, and what a check concludes."""

from autoretrain.domain.conditions.condition import Condition
from autoretrain.domain.conditions.decision import Decision, decide
from autoretrain.domain.conditions.new_trades import COUNTED_NEW_TRADES
from autoretrain.domain.conditions.performance_degradation import DEGRADATION

__all__ = ["COUNTED_NEW_TRADES", "DEGRADATION", "Condition", "Decision", "decide"]

"""Owns the words for every setting of a strategy; defaults and limits are read from the code."""

from __future__ import annotations

import re

from autoretrain.storage.contract import RELATIONS
from autoretrain.storage.migrate import migrations
from checks.pages.contract import contract
from checks.pages.kinds import kind

MEANINGS = {
    "ml_training_enabled": "whether the hourly check looks at it; training by hand works anyway",
    "ml_min_trades_for_training": "closed trades below which no condition fires",
    "activation_mode": "when a challenger goes live",
    "new_trades_threshold": "closed trades since the last training that call for the next",
    "degradation_ratio": "observed below this share of expected is degraded",
    "degradation_window": "the newest trades that are looked at for it",
    "degradation_min_trades": "fewer are not enough evidence",
    "degradation_rule": "which of the two rules is in force; both are always shown",
    "max_age_days": "days since the last training that call for the next",
    "model_max_age_days": "days after which bots use the base rate instead of the model",
    "feature_drift_psi": "PSI of a feature above which a training is called for; none: never",
    "feature_weights": "how much each feature counts; 1 where not named",
    "allowed_features": "features that may look like a leak, or be called like one",
}


def table() -> str:
    """Raises ValueError for a setting without a meaning here."""
    limits = contract()["components"]["schemas"]["SettingsRequest"]["properties"]
    in_order = sorted(limits, key=list(MEANINGS).index)
    rows = [
        f"| `{name}` | {default(name)} | {kind(limits[name])} | {MEANINGS[name]} |"
        for name in in_order
    ]
    return "\n".join(["| setting | default | allowed | what it is |", "|---|---|---|---|", *rows])


def default(setting: str) -> str:
    """As the newest migration, or the user's own table where we make it, declares it."""
    declared = re.compile(rf"^ +(?:ADD COLUMN )?{setting} (.*(?:\n +CHECK.*)?)", re.MULTILINE)
    found = [text for _, script in migrations() for text in declared.findall(script)]
    found += [
        column.add or ""
        for relation in RELATIONS
        for column in relation.columns
        if column.name == setting
    ]
    value = re.search(r"DEFAULT '?([^ ',;\n]+)", found[0])
    if value is None:
        return "none"
    is_list = found[0].lstrip().startswith("text[]")
    return "`[]`" if is_list else f"`{value[1]}`"  # PostgreSQL writes an empty array as {}

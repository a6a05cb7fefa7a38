"""The active model inside a bot; the only part of the client that needs LightGBM."""

from __future__ import annotations

from autoretrain_client.bot.prediction import Prediction, Status

try:
    from autoretrain_client.bot.active import ActiveModel
except ImportError as exc:
    raise ImportError(
        "ActiveModel needs LightGBM: pip install autoretrain-client[bot]", name=exc.name
    ) from exc

__all__ = ["ActiveModel", "Prediction", "Status"]

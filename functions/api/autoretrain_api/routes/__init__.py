"""Every route, by subject."""

from __future__ import annotations

from autoretrain_api.routes import models, retrain, runs, site, strategies, tokens

ROUTERS = (
    site.router,
    retrain.router,
    strategies.router,
    models.router,
    runs.router,
    tokens.router,
)

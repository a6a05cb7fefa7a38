-- Feature drift may be a condition: off, unless a strategy has a threshold.

ALTER TABLE autoretrain.strategy_training
    ADD COLUMN feature_drift_psi float8 CHECK (feature_drift_psi > 0 AND feature_drift_psi <= 10);

-- How the features of the fitted rows spread, by name: edges of bins, and rows in each. NULL: the
-- model is from before.
ALTER TABLE autoretrain.model_artifacts ADD COLUMN feature_reference jsonb;

GRANT UPDATE (feature_drift_psi) ON autoretrain.strategy_training TO autoretrain_api;

-- model_to_activate --
-- The version's row as it stands while the strategy's is held.
SELECT version, rival, awaiting_approval, performance, created_at
FROM autoretrain.model_artifacts
WHERE strategy_id = %(strategy_id)s AND version = %(version)s;

-- no_more_waiting --
-- A version that a person has activated waits for nobody.
UPDATE autoretrain.model_artifacts SET awaiting_approval = false
WHERE strategy_id = %(strategy_id)s AND version = %(version)s AND awaiting_approval;

-- pin --
-- Nothing else goes live until a person unpins it.
UPDATE autoretrain.strategy_training
SET pinned_version = %(version)s, pinned_at = now(), pinned_by = %(user_id)s
WHERE strategy_id = %(strategy_id)s;

-- unpin --
-- The gate decides again.
UPDATE autoretrain.strategy_training
SET pinned_version = NULL, pinned_at = NULL, pinned_by = NULL
WHERE strategy_id = %(strategy_id)s AND pinned_version IS NOT NULL;

-- cancel_run --
-- queued, starting, running -> cancelled; a trainer hears of it at its next heartbeat.
UPDATE autoretrain.training_runs
SET status = 'cancelled', finished_at = now(), lease_expires_at = NULL, error_code = NULL,
    error_message = NULL, line = 'cancelled by hand'
WHERE id = %(run_id)s AND status IN ('queued', 'starting', 'running');

-- resume_strategy --
-- What failures have left is forgotten.
UPDATE autoretrain.strategy_training
SET paused_reason = NULL, failures = 0, next_eligible_at = '-infinity'
WHERE strategy_id = %(strategy_id)s;

-- change_settings --
-- What is NULL stays as it is; what may become NULL comes with whether it is given.
UPDATE autoretrain.strategy_training
SET activation_mode = coalesce(%(activation_mode)s, activation_mode),
    degradation_rule = coalesce(%(degradation_rule)s, degradation_rule),
    new_trades_threshold = coalesce(%(new_trades_threshold)s, new_trades_threshold),
    degradation_ratio = coalesce(%(degradation_ratio)s, degradation_ratio),
    degradation_window = coalesce(%(degradation_window)s, degradation_window),
    degradation_min_trades = coalesce(%(degradation_min_trades)s, degradation_min_trades),
    max_age_days = coalesce(%(max_age_days)s, max_age_days),
    model_max_age_days = CASE WHEN %(model_max_age_days_given)s THEN %(model_max_age_days)s
        ELSE model_max_age_days END,
    feature_drift_psi = CASE WHEN %(feature_drift_psi_given)s THEN %(feature_drift_psi)s
        ELSE feature_drift_psi END,
    feature_weights = coalesce(%(feature_weights)s, feature_weights),
    allowed_features = coalesce(%(allowed_features)s::text[], allowed_features)
WHERE strategy_id = %(strategy_id)s;

-- newest_feature_names --
-- What the newest trades call their features.
SELECT DISTINCT jsonb_object_keys(features) AS name
FROM (
    SELECT features FROM autoretrain.trades
    WHERE strategy_id = %(strategy_id)s
    ORDER BY decided_at DESC
    LIMIT 1000
) newest
WHERE jsonb_typeof(features) = 'object';

-- change_own_settings --
-- The two settings that live in the user's own table, through our view's plain columns.
UPDATE autoretrain.strategies
SET set_ml_training_enabled = coalesce(%(ml_training_enabled)s, set_ml_training_enabled),
    set_ml_min_trades_for_training =
        coalesce(%(ml_min_trades_for_training)s, set_ml_min_trades_for_training)
WHERE id = %(strategy_id)s AND user_id = %(user_id)s;

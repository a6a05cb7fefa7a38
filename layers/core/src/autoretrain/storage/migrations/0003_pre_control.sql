-- People act on the loop: they ask for trainings, cancel them, roll back, approve, change settings.

-- What a caller's key stands for: the run that was made for it, or the one that was live then.
CREATE TABLE autoretrain.idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL CHECK (request_hash ~ '^[0-9a-f]{64}$'),
    run_id uuid NOT NULL REFERENCES autoretrain.training_runs,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
COMMENT ON TABLE autoretrain.idempotency_keys IS 'A repeated request gets the same run, for a week';
ALTER TABLE autoretrain.training_runs DROP COLUMN idempotency_key;
CREATE INDEX runs_of_a_caller ON autoretrain.training_runs (user_id, queued_at) WHERE slot IS NULL;

-- What ml_model_performance says while the version is active: a roll-back writes it again.
-- The default is for a training that an earlier version has begun and publishes after this.
ALTER TABLE autoretrain.model_artifacts ADD COLUMN performance jsonb NOT NULL DEFAULT '{}';
DO $$
BEGIN
    -- In here, the user's tables are looked at only where there is something to fill in.
    IF EXISTS (SELECT FROM autoretrain.model_artifacts) THEN
        UPDATE autoretrain.model_artifacts a
        SET performance = jsonb_build_object(
            'training_samples', (
                SELECT max(m.training_samples) FROM public.ai_strategy_ml_models m
                WHERE m.strategy_id = a.strategy_id AND m.version = a.version
            ),
            'win_rate', (
                SELECT s.ml_model_performance -> 'win_rate' FROM public.ai_strategies s
                WHERE s.id = a.strategy_id AND s.ml_model_version = a.version
                    AND jsonb_typeof(s.ml_model_performance) = 'object'
                LIMIT 1
            ),
            'judged_rows', verdict -> 'judged_rows',
            'decided_by', verdict -> 'line',
            'below_base_rate', below_base_rate,
            'accuracy', verdict -> 'challenger' -> 'accuracy',
            'roc_auc', verdict -> 'challenger' -> 'roc_auc',
            'improvement', (verdict -> 'challenger' ->> 'accuracy')::float8
                - (verdict -> 'champion' ->> 'accuracy')::float8,
            'log_loss', verdict -> 'challenger' -> 'log_loss',
            'log_loss_improvement', verdict -> 'log_loss_improvement',
            'brier', verdict -> 'challenger' -> 'brier'
        );
    END IF;
END
$$;

CREATE VIEW autoretrain.model_history AS
SELECT
    a.strategy_id, a.version, a.created_at, t.champion IS NOT DISTINCT FROM a.version AS is_active,
    a.awaiting_approval, a.below_base_rate, a.verdict ->> 'outcome' AS outcome,
    a.verdict ->> 'line' AS line, (a.performance ->> 'accuracy')::float8 AS accuracy,
    (a.performance ->> 'roc_auc')::float8 AS roc_auc,
    (a.performance ->> 'improvement')::float8 AS improvement, a.log_loss,
    (a.performance ->> 'log_loss_improvement')::float8 AS log_loss_improvement,
    (a.performance ->> 'judged_rows')::integer AS judged_rows,
    (a.performance ->> 'training_samples')::integer AS training_samples,
    a.data_cutoff, a.rival, a.run_id
FROM autoretrain.model_artifacts a
JOIN autoretrain.strategy_training t USING (strategy_id);
COMMENT ON VIEW autoretrain.model_history IS 'Every model with the figures that people ask for';

CREATE VIEW autoretrain.run_history AS
SELECT
    id, strategy_id, status, reason, manual, force, attempt, queued_at, running_at, finished_at, phase,
    round, rounds, training_seconds, min_trades, feature_weights, rows_used, rows_dropped, outcome,
    line, model_version, activated,
    CASE WHEN error_code IS NOT NULL THEN
        jsonb_build_object('code', error_code, 'message', coalesce(error_message, ''))
    END AS error
FROM autoretrain.training_runs;
COMMENT ON VIEW autoretrain.run_history IS 'Every training as people see it';

GRANT SELECT ON autoretrain.model_history, autoretrain.run_history
    TO autoretrain_api, autoretrain_reader;
GRANT UPDATE (champion, pinned_version, pinned_at, pinned_by, activation_mode, degradation_rule,
    new_trades_threshold, degradation_ratio, degradation_window, degradation_min_trades,
    max_age_days, model_max_age_days, feature_weights, allowed_features)
    ON autoretrain.strategy_training TO autoretrain_api;
GRANT SELECT, INSERT, DELETE ON autoretrain.idempotency_keys TO autoretrain_api;
GRANT UPDATE (awaiting_approval) ON autoretrain.model_artifacts TO autoretrain_api;
GRANT INSERT ON autoretrain.model_activations TO autoretrain_api;

-- next_queued_run --
-- The oldest run that waits and that no other trainer is just taking; none while as many as may be
-- have a trainer: a task may have been launched for each of them since this one's last run ended.
SELECT id FROM autoretrain.training_runs
WHERE status = 'queued' AND (
    SELECT count(*) FROM autoretrain.training_runs WHERE status IN ('starting', 'running')
) < coalesce((SELECT max_tasks FROM autoretrain.launch_control), 2147483647)
ORDER BY queued_at, id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- begin_run --
-- queued, starting -> running, if the run still holds its strategy's fence.
UPDATE autoretrain.training_runs r
SET status = 'running', running_at = now(), lease_expires_at = now() + %(lease)s,
    task_arn = coalesce(%(task_arn)s, r.task_arn), image = %(image)s, phase = 'starting'
FROM autoretrain.strategy_training t
WHERE r.id = %(run_id)s AND r.status IN ('queued', 'starting')
    AND t.strategy_id = r.strategy_id AND t.fence = r.fence
RETURNING r.id, r.strategy_id;

-- assignment --
-- What the trainer is to do, with the settings of the strategy and of the run itself.
SELECT
    r.id AS run_id, r.strategy_id, s.user_id, s.name AS strategy_name, r.reason, r.fence,
    r.attempt, r.manual, r.force,
    coalesce(r.min_trades, s.ml_min_trades_for_training) AS min_trades,
    coalesce(r.feature_weights, t.feature_weights) AS feature_weights,
    t.allowed_features, t.fingerprint AS last_fingerprint, t.memories_key, t.memories_sha256,
    t.activation_mode,
    champion.version AS champion_version, champion.artifact_key, champion.sha256,
    champion.manifest_sha256, champion.data_cutoff, champion.created_at AS champion_created_at
FROM autoretrain.training_runs r
JOIN autoretrain.strategy_training t ON t.strategy_id = r.strategy_id
JOIN autoretrain.strategies s ON s.id = r.strategy_id
LEFT JOIN autoretrain.model_artifacts champion
    ON champion.strategy_id = r.strategy_id AND champion.version = t.champion
WHERE r.id = %(run_id)s;

-- heartbeat --
-- Extend the lease and say how far the training is; no row means that the run is somebody else's.
UPDATE autoretrain.training_runs
SET lease_expires_at = now() + %(lease)s, phase = %(phase)s, round = %(round)s,
    rounds = %(rounds)s, training_seconds = %(seconds)s
WHERE id = %(run_id)s AND fence = %(fence)s AND status = 'running'
    AND running_at > now() - %(max_runtime)s;

-- reused_rows --
-- Trades in the window that an earlier verdict against the same rival was reached on.
SELECT count(*)::integer AS rows
FROM autoretrain.trades t
WHERE t.strategy_id = %(strategy_id)s AND t.decided_at BETWEEN %(since)s AND %(until)s
    AND t.closed_at IS NOT NULL AND EXISTS (
        SELECT FROM autoretrain.model_artifacts a
        WHERE a.strategy_id = t.strategy_id AND a.rival = %(rival)s
            AND t.decided_at BETWEEN a.judged_from AND a.judged_until
            AND t.closed_at <= a.created_at
    );

-- versions --
-- Whose the strategy is, the version that the user's own table shows as active, which may be none of
-- ours, and the next: one more than any that this strategy has had, here or there.
SELECT s.user_id, s.ml_model_version AS shown, 'v' || 1 + coalesce((
    SELECT max(substring(version FROM '^v([0-9]{1,9})$')::integer)
    FROM (
        SELECT version::text FROM autoretrain.models WHERE strategy_id = s.id
        UNION ALL
        SELECT version FROM autoretrain.model_artifacts WHERE strategy_id = s.id
        UNION ALL
        SELECT s.ml_model_version
    ) known
), 0) AS next
FROM autoretrain.strategies s
WHERE s.id = %(strategy_id)s;

-- insert_model --
-- The row that the user's own table gets for every model, active or not.
INSERT INTO autoretrain.models
    (strategy_id, version, is_active, accuracy, roc_auc, training_samples, improvement, created_at)
VALUES (%(strategy_id)s, %(version)s, false, %(accuracy)s, %(roc_auc)s, %(training_samples)s,
    %(improvement)s, %(now)s);

-- replace_waiting_challenger --
-- The newest waiting challenger replaces an older one.
UPDATE autoretrain.model_artifacts SET awaiting_approval = false
WHERE strategy_id = %(strategy_id)s AND awaiting_approval;

-- insert_artifact --
-- Where the model lies, what it is worth, and how that was found.
INSERT INTO autoretrain.model_artifacts
    (strategy_id, version, run_id, artifact_key, sha256, manifest_sha256, judged_sha256,
    refit_disagrees, data_cutoff, rival, judged_from, judged_until, verdict, awaiting_approval,
    below_base_rate, log_loss, performance, feature_reference, created_at)
VALUES (%(strategy_id)s, %(version)s, %(run_id)s, %(artifact_key)s, %(sha256)s,
    %(manifest_sha256)s, %(judged_sha256)s, %(refit_disagrees)s, %(data_cutoff)s, %(rival)s,
    %(judged_from)s, %(judged_until)s, %(verdict)s, %(awaiting_approval)s, %(below_base_rate)s,
    %(log_loss)s, %(performance)s, %(feature_reference)s, %(now)s);

-- deactivate_models --
-- Two statements, old first: the index on is_active is checked row by row.
UPDATE autoretrain.models SET is_active = false
WHERE strategy_id = %(strategy_id)s AND is_active;

-- activate_model --
-- The new one second.
UPDATE autoretrain.models SET is_active = true
WHERE strategy_id = %(strategy_id)s AND version = %(version)s;

-- set_champion --
-- The one pointer that the gate and bots read.
UPDATE autoretrain.strategy_training SET champion = %(version)s
WHERE strategy_id = %(strategy_id)s;

-- log_activation --
-- Append-only: what was active when, and why.
INSERT INTO autoretrain.model_activations
    (strategy_id, version, previous_version, activated_at, run_id, activated_by, why)
VALUES (%(strategy_id)s, %(version)s, %(previous_version)s, %(now)s, %(run_id)s, %(activated_by)s,
    %(why)s);

-- describe_active_model --
-- The user's columns describe the active model.
UPDATE autoretrain.strategies
SET ml_model_version = %(version)s, ml_model_performance = %(performance)s
WHERE id = %(strategy_id)s;

-- move_clock --
-- When the last finished training read its trades, activated or not.
UPDATE autoretrain.strategies SET ml_model_trained_at = %(trades_read_at)s
WHERE id = %(strategy_id)s;

-- finish_training --
-- A finished training clears what failures have left. The next one goes on from its memories, or
-- from those before where it has made none.
UPDATE autoretrain.strategy_training
SET trades_read_at = %(trades_read_at)s, fingerprint = %(fingerprint)s, failures = 0,
    next_eligible_at = '-infinity', paused_reason = NULL,
    memories_key = coalesce(%(memories_key)s, memories_key),
    memories_sha256 = coalesce(%(memories_sha256)s, memories_sha256)
WHERE strategy_id = %(strategy_id)s;

-- succeed_run --
-- running -> succeeded, with what the run read and concluded.
UPDATE autoretrain.training_runs
SET status = 'succeeded', finished_at = now(), lease_expires_at = NULL,
    trades_read_at = %(trades_read_at)s, rows_used = %(rows_used)s,
    rows_dropped = %(rows_dropped)s, data_hash = %(data_hash)s, outcome = %(outcome)s,
    line = %(line)s, model_version = %(version)s, activated = %(activated)s,
    training_seconds = extract(epoch FROM now() - running_at),
    error_code = NULL, error_message = NULL
WHERE id = %(run_id)s;


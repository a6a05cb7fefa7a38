-- lock_strategy --
-- The row that every change to a run or a champion goes through. It is taken by a statement of its
-- own, so that the next one sees what the previous holder has committed.
SELECT *, next_eligible_at > now() AS resting
FROM autoretrain.strategy_training
WHERE strategy_id = %(strategy_id)s
FOR UPDATE;

-- run_under_lock --
-- The run as it stands while its strategy's row is held.
SELECT status, fence, losses_in_a_row, lease_expires_at < now() AS expired
FROM autoretrain.training_runs
WHERE id = %(run_id)s;

-- requeue_run --
-- starting, running -> queued: the same run, its next attempt, a new fence, at the queue's end.
UPDATE autoretrain.training_runs
SET status = 'queued', fence = %(fence)s, attempt = attempt + 1, queued_at = now(),
    losses_in_a_row = losses_in_a_row + %(losses)s, lease_expires_at = NULL, task_arn = NULL, image = NULL,
    starting_at = NULL, running_at = NULL, phase = NULL, round = NULL, rounds = NULL,
    error_code = %(error_code)s, error_message = left(%(error_message)s, 2000)
WHERE id = %(run_id)s AND status IN ('starting', 'running');

-- fail_run --
-- queued, starting, running -> failed, with what the operator needs to know. Of a trainer that has
-- lost its lease, only the last heartbeat says how long it has trained.
UPDATE autoretrain.training_runs
SET status = 'failed', finished_at = now(), lease_expires_at = NULL,
    training_seconds = CASE WHEN running_at IS NOT NULL AND lease_expires_at > now()
        THEN extract(epoch FROM now() - running_at) ELSE training_seconds END,
    error_code = %(error_code)s, error_message = left(%(error_message)s, 2000)
WHERE id = %(run_id)s AND status IN ('queued', 'starting', 'running');

-- count_failure --
-- The strategy rests for 1, 2, 4, 8 h, then is paused until a person resumes it.
UPDATE autoretrain.strategy_training
SET failures = failures + 1,
    next_eligible_at = CASE WHEN %(rest)s::interval IS NULL THEN next_eligible_at
        ELSE now() + %(rest)s::interval END,
    paused_reason = %(paused_reason)s
WHERE strategy_id = %(strategy_id)s;

-- notify --
-- A notification in the transaction that it tells of.
INSERT INTO autoretrain.outbox (topic, strategy_id, payload)
VALUES (%(topic)s, %(strategy_id)s, %(payload)s);

-- runs_of_task --
-- The task's live runs; also the attempt that it was started for, when its launcher has not come
-- to noting the task yet.
SELECT id AS run_id, strategy_id, attempt, fence, status, task_arn
FROM autoretrain.training_runs
WHERE status IN ('starting', 'running')
    AND (task_arn = %(task_arn)s
        OR (task_arn IS NULL AND id = %(run_id)s AND attempt = %(attempt)s));

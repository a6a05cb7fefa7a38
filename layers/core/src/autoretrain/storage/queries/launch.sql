-- lock_launches --
-- Who counts busy tasks, or looks whether the queue is empty, does it alone.
SELECT pg_advisory_xact_lock(7301120002);

-- busy_tasks --
-- How many tasks are starting or running, and whether the run still waits for one.
SELECT count(*)::integer AS busy,
    EXISTS (
        SELECT FROM autoretrain.training_runs WHERE id = %(run_id)s AND status = 'queued'
    ) AS queued
FROM autoretrain.training_runs
WHERE status IN ('starting', 'running');

-- note_limit --
-- For trainers, which are told nothing of it.
UPDATE autoretrain.launch_control SET max_tasks = %(max_tasks)s
WHERE max_tasks IS DISTINCT FROM %(max_tasks)s;

-- launch_control --
-- Whether launches are stopped, and whether a probe is due.
SELECT stopped_reason, probed_at < now() - interval '10 minutes' AS probe_due
FROM autoretrain.launch_control;

-- note_probe --
-- The next probe is due in ten minutes.
UPDATE autoretrain.launch_control SET probed_at = now();

-- start_run --
-- queued -> starting: the lease covers the time that a task needs to come up.
UPDATE autoretrain.training_runs
SET status = 'starting', starting_at = now(), lease_expires_at = now() + %(lease)s
WHERE id = %(run_id)s AND status = 'queued'
RETURNING id AS run_id, strategy_id, attempt, fence;

-- record_task --
-- The trainer may have begun, and even ended, before its launcher gets here.
UPDATE autoretrain.training_runs SET task_arn = %(task_arn)s
WHERE id = %(run_id)s AND fence = %(fence)s AND task_arn IS NULL;

-- launch_was_taken --
-- ECS started a task; whether it works is for its trainer to show.
UPDATE autoretrain.launch_control SET refusals_in_a_row = 0 WHERE refusals_in_a_row > 0;

-- launches_work --
-- A trainer began: whatever had stopped launches is over.
UPDATE autoretrain.launch_control SET stopped_reason = NULL WHERE stopped_reason IS NOT NULL;

-- launch_was_refused --
-- Three refusals in a row, or one for the configuration, stop launches until a probe succeeds.
UPDATE autoretrain.launch_control
SET refusals_in_a_row = refusals_in_a_row + 1,
    stopped_reason = CASE WHEN %(at_once)s OR refusals_in_a_row >= 2 THEN %(reason)s
        ELSE stopped_reason END;

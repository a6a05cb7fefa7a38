-- Our own books. They live in a schema of their own, which no hosted REST layer exposes,
-- and refer to the user's rows by id only: those may be views.

-- Roles belong to the cluster, not to the database: another database may have made them.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['autoretrain_api', 'autoretrain_trainer', 'autoretrain_reader'] LOOP
        IF to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        BEGIN
            -- From PostgreSQL 16 on, whoever creates a role may not take it without this.
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        EXCEPTION WHEN insufficient_privilege THEN
            IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;

CREATE TABLE autoretrain.strategy_training (
    strategy_id uuid PRIMARY KEY,
    champion text,                          -- the one pointer that the gate and bots read
    pinned_version text,
    pinned_at timestamptz,
    pinned_by uuid,
    fence bigint NOT NULL DEFAULT 0,        -- +1 at every new run and every new attempt
    activation_mode text NOT NULL DEFAULT 'if_better'
        CHECK (activation_mode IN ('if_better', 'if_not_worse', 'approve', 'always')),
    degradation_rule text NOT NULL DEFAULT 'ratio' CHECK (degradation_rule IN ('ratio')),
    new_trades_threshold integer NOT NULL DEFAULT 50 CHECK (new_trades_threshold BETWEEN 1 AND 1000),
    degradation_ratio float8 NOT NULL DEFAULT 0.90
        CHECK (degradation_ratio > 0 AND degradation_ratio <= 1),
    degradation_window integer NOT NULL DEFAULT 50 CHECK (degradation_window BETWEEN 30 AND 1000),
    degradation_min_trades integer NOT NULL DEFAULT 30
        CHECK (degradation_min_trades BETWEEN 10 AND 1000),
    max_age_days float8 NOT NULL DEFAULT 7 CHECK (max_age_days > 0 AND max_age_days <= 3650),
    model_max_age_days float8 CHECK (model_max_age_days > 0 AND model_max_age_days <= 3650),
    feature_weights jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(feature_weights) = 'object'),
    allowed_features text[] NOT NULL DEFAULT '{}',
    trades_read_at timestamptz,             -- when the last finished training read its trades
    fingerprint text,                       -- of that training's rows, settings and recipe
    failures integer NOT NULL DEFAULT 0,
    next_eligible_at timestamptz NOT NULL DEFAULT '-infinity',
    paused_reason text,
    CHECK ((pinned_version IS NULL) = (pinned_at IS NULL)),
    CHECK (degradation_min_trades <= degradation_window)
);
COMMENT ON TABLE autoretrain.strategy_training IS 'One row per strategy; its row is the lock';

CREATE TYPE autoretrain.run_status AS ENUM (
    'queued',       -- claimed, waits for a trainer; no lease, cannot expire
    'starting',     -- queued -> starting: a task is being started for it
    'running',      -- queued, starting -> running: a trainer has taken it
    'succeeded',    -- running -> succeeded: published, or finished without a model
    'failed',       -- starting, running -> failed: somebody has to act
    'cancelled'     -- queued, starting, running -> cancelled: a person's wish
);

CREATE TABLE autoretrain.training_runs (
    id uuid PRIMARY KEY,
    strategy_id uuid NOT NULL,
    user_id uuid NOT NULL,
    status autoretrain.run_status NOT NULL DEFAULT 'queued',
    fence bigint NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    losses_in_a_row integer NOT NULL DEFAULT 0,
    slot timestamptz,
    idempotency_key text,
    reason text NOT NULL,
    manual boolean NOT NULL DEFAULT false,
    force boolean NOT NULL DEFAULT false,
    min_trades integer,
    feature_weights jsonb,
    lease_expires_at timestamptz,
    task_arn text,
    queued_at timestamptz NOT NULL DEFAULT now(),
    starting_at timestamptz,
    running_at timestamptz,
    finished_at timestamptz,
    phase text,
    round integer,
    rounds integer,
    training_seconds float8,
    trades_read_at timestamptz,
    rows_used integer,
    rows_dropped jsonb,
    data_hash text,
    outcome text,
    line text,
    model_version text,
    activated boolean,
    error_code text,
    error_message text CHECK (length(error_message) <= 2000),
    CHECK ((status IN ('starting', 'running')) = (lease_expires_at IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX one_live_run ON autoretrain.training_runs (strategy_id)
    WHERE status IN ('queued', 'starting', 'running');
CREATE UNIQUE INDEX one_run_per_slot ON autoretrain.training_runs (strategy_id, slot)
    WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX one_run_per_idempotency_key ON autoretrain.training_runs (user_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_that_wait ON autoretrain.training_runs (queued_at) WHERE status = 'queued';
CREATE INDEX runs_with_a_lease ON autoretrain.training_runs (lease_expires_at)
    WHERE status IN ('starting', 'running');
CREATE INDEX runs_of_a_task ON autoretrain.training_runs (task_arn) WHERE task_arn IS NOT NULL;
CREATE INDEX runs_of_a_strategy ON autoretrain.training_runs (strategy_id, queued_at DESC);
CREATE INDEX runs_of_a_slot ON autoretrain.training_runs (slot) WHERE slot IS NOT NULL;

CREATE TABLE autoretrain.model_artifacts (
    strategy_id uuid NOT NULL,
    version text NOT NULL,
    run_id uuid NOT NULL UNIQUE,
    artifact_key text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    manifest_sha256 text NOT NULL CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    judged_sha256 text NOT NULL CHECK (judged_sha256 ~ '^[0-9a-f]{64}$'),
    refit_disagrees boolean NOT NULL,
    data_cutoff timestamptz NOT NULL,       -- the largest closed_at it was fitted on
    rival text NOT NULL,                    -- the version it was judged against, or 'base rate'
    judged_from timestamptz,
    judged_until timestamptz,
    verdict jsonb NOT NULL,
    awaiting_approval boolean NOT NULL,
    below_base_rate boolean NOT NULL,
    -- NaN is greater than every number here, so it would win every comparison.
    log_loss float8 CHECK (log_loss <> 'NaN' AND abs(log_loss) < 'Infinity'),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (strategy_id, version)
);
ALTER TABLE autoretrain.strategy_training
    ADD FOREIGN KEY (strategy_id, champion) REFERENCES autoretrain.model_artifacts;
CREATE UNIQUE INDEX one_waiting_challenger ON autoretrain.model_artifacts (strategy_id)
    WHERE awaiting_approval;

CREATE TABLE autoretrain.current_decisions (
    strategy_id uuid PRIMARY KEY,
    decided_at timestamptz NOT NULL,
    slot timestamptz,
    should_retrain boolean NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    conditions jsonb NOT NULL,
    previous_outcome text
);
CREATE INDEX decisions_of_a_slot ON autoretrain.current_decisions (slot);

CREATE TABLE autoretrain.retrain_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    strategy_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    slot timestamptz,
    should_retrain boolean NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    conditions jsonb NOT NULL
);
CREATE INDEX decisions_of_a_strategy ON autoretrain.retrain_decisions (strategy_id, id DESC);
COMMENT ON TABLE autoretrain.retrain_decisions IS 'Append-only: one row whenever the outcome changes';

CREATE TABLE autoretrain.model_activations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    strategy_id uuid NOT NULL,
    version text NOT NULL,
    previous_version text,
    activated_at timestamptz NOT NULL,
    run_id uuid,
    activated_by uuid,                      -- NULL: the gate
    why text NOT NULL
);
CREATE INDEX activations_of_a_strategy ON autoretrain.model_activations (strategy_id, id DESC);
COMMENT ON TABLE autoretrain.model_activations IS 'Append-only: what was active when, and why';

CREATE TABLE autoretrain.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    strategy_id uuid NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz
);
CREATE INDEX outbox_unsent ON autoretrain.outbox (next_attempt_at) WHERE sent_at IS NULL;
COMMENT ON TABLE autoretrain.outbox IS 'Notifications, written in the transaction they tell of';

CREATE TABLE autoretrain.launch_control (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    refusals_in_a_row integer NOT NULL DEFAULT 0,
    stopped_reason text,                    -- set: only one probe every ten minutes is launched
    probed_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO autoretrain.launch_control DEFAULT VALUES;

GRANT USAGE ON SCHEMA autoretrain TO autoretrain_api, autoretrain_trainer, autoretrain_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA autoretrain TO autoretrain_api, autoretrain_reader;
GRANT INSERT, UPDATE ON autoretrain.training_runs, autoretrain.current_decisions
    TO autoretrain_api;
GRANT INSERT, UPDATE (fence, failures, next_eligible_at, paused_reason)
    ON autoretrain.strategy_training TO autoretrain_api;
GRANT INSERT ON autoretrain.retrain_decisions, autoretrain.outbox TO autoretrain_api;
GRANT UPDATE ON autoretrain.launch_control TO autoretrain_api;

GRANT SELECT ON autoretrain.strategy_training, autoretrain.training_runs,
    autoretrain.model_artifacts, autoretrain.model_activations TO autoretrain_trainer;
GRANT UPDATE ON autoretrain.training_runs TO autoretrain_trainer;
GRANT UPDATE (champion, fence, trades_read_at, fingerprint, failures, next_eligible_at, paused_reason)
    ON autoretrain.strategy_training TO autoretrain_trainer;
GRANT SELECT, UPDATE ON autoretrain.launch_control TO autoretrain_trainer;
GRANT INSERT, UPDATE (awaiting_approval) ON autoretrain.model_artifacts TO autoretrain_trainer;
GRANT INSERT ON autoretrain.model_activations, autoretrain.outbox TO autoretrain_trainer;

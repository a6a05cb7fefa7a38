-- Notifications leave the outbox: each through every channel, at least once.

ALTER TABLE autoretrain.outbox
    ADD COLUMN event_id uuid NOT NULL DEFAULT gen_random_uuid(), -- the same at every try
    ADD COLUMN told text[] NOT NULL DEFAULT '{}';           -- the channels that have taken it
COMMENT ON COLUMN autoretrain.outbox.sent_at IS 'When the last channel took it';
CREATE INDEX outbox_by_age ON autoretrain.outbox (created_at);

-- Nobody has sent any so far: a stack that is upgraded must not tell months of them at once.
UPDATE autoretrain.outbox SET sent_at = now() WHERE created_at < now() - interval '1 hour';

ALTER TABLE autoretrain.strategy_training
    ADD COLUMN degraded_version text;       -- the version whose degradation has been told

GRANT UPDATE (next_attempt_at, attempts, told, sent_at), DELETE ON autoretrain.outbox
    TO autoretrain_api;
GRANT UPDATE (degraded_version) ON autoretrain.strategy_training TO autoretrain_api;

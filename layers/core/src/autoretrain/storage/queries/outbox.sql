-- claim_notifications --
-- Those that are due, the longest due first; nobody waits for another sender's. Each is due again
-- after 1, 2, 4, … at most 60 minutes: nobody has to be there to say that sending it failed.
WITH due AS (
    SELECT id FROM autoretrain.outbox
    WHERE sent_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at, id
    LIMIT %(count)s
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE autoretrain.outbox o
    SET attempts = o.attempts + 1,
        next_attempt_at =
            now() + least(interval '1 minute' * 2 ^ least(o.attempts, 10), interval '1 hour')
    FROM due
    WHERE o.id = due.id
    RETURNING o.*
)
SELECT c.id, c.event_id, c.topic, c.strategy_id, s.name AS strategy, c.payload,
    c.created_at AS at, c.told
FROM claimed c
LEFT JOIN autoretrain.strategies s ON s.id = c.strategy_id
ORDER BY c.id;

-- note_told --
-- A channel has taken them; who has been through all channels is sent.
UPDATE autoretrain.outbox
SET told = told || %(channel)s::text,
    sent_at = CASE WHEN told || %(channel)s::text @> %(channels)s::text[] THEN now() END
WHERE id = ANY(%(ids)s::bigint[]) AND sent_at IS NULL AND NOT %(channel)s = ANY(told);

-- forget_old_notifications --
-- Sent long ago, or of interest to nobody any more.
DELETE FROM autoretrain.outbox WHERE created_at < now() - interval '30 days';

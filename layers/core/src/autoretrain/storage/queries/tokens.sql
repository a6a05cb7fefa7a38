-- find_token --
-- Revoked and expired ones too: the log says which it was.
SELECT id, secret_sha256, user_id, scopes, revoked_at IS NOT NULL AS revoked,
    coalesce(expires_at <= now(), false) AS expired
FROM autoretrain.api_tokens
WHERE id = %(token_id)s;

-- note_token_use --
-- Once a minute is enough to tell a token that is used from one that is not.
UPDATE autoretrain.api_tokens SET last_used_at = now()
WHERE id = %(token_id)s
    AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');

-- lock_tokens --
-- Whoever counts a user's tokens to add one does it alone.
SELECT pg_advisory_xact_lock(hashtextextended('api_tokens ' || %(user_id)s::text, 0));

-- count_live_tokens --
-- How many of a user's tokens still open anything.
SELECT count(*)::integer AS live FROM autoretrain.api_tokens
WHERE user_id = %(user_id)s AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > now());

-- insert_token --
-- The lifetime is counted on the database's clock, like everything that reads it.
INSERT INTO autoretrain.api_tokens (id, secret_sha256, user_id, name, scopes, expires_at)
VALUES (%(token_id)s, %(secret_sha256)s, %(user_id)s, %(token_name)s, %(scopes)s, now() + %(lifetime)s)
RETURNING id, name, scopes, created_at, expires_at, last_used_at, revoked_at;

-- list_tokens --
-- Newest first.
SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at
FROM autoretrain.api_tokens
WHERE user_id = %(user_id)s
ORDER BY created_at DESC, id;

-- revoke_token --
-- The owner's only; a second time changes nothing.
UPDATE autoretrain.api_tokens SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(token_id)s AND user_id = %(user_id)s;

-- Tokens for machines. Of the secret, 256 random bits, we keep only the hash.

CREATE TABLE autoretrain.api_tokens (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{8}$'),
    secret_sha256 text NOT NULL CHECK (secret_sha256 ~ '^[0-9a-f]{64}$'),
    user_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL
        CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'retrain', 'manage']),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz CHECK (expires_at > created_at),     -- NULL: never
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_of_a_user ON autoretrain.api_tokens (user_id, created_at DESC);

GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON autoretrain.api_tokens
    TO autoretrain_api;

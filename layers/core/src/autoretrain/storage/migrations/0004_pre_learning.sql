-- What one training leaves to the next: both memories as they were judged, and how they have done.

ALTER TABLE autoretrain.strategy_training
    ADD COLUMN memories_key text,           -- of the last training that made a model
    ADD COLUMN memories_sha256 text CHECK (memories_sha256 ~ '^[0-9a-f]{64}$'),
    ADD CHECK ((memories_key IS NULL) = (memories_sha256 IS NULL));

GRANT UPDATE (memories_key, memories_sha256) ON autoretrain.strategy_training
    TO autoretrain_trainer;

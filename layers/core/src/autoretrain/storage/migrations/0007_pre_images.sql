-- A deploy changes what trainers run; a run says what it ran on.

ALTER TABLE autoretrain.training_runs
    ADD COLUMN image text;                  -- the digest of its trainer's image; NULL: not on ECS

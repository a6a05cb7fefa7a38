-- Trainers that take run after run keep the launcher's limit too.

ALTER TABLE autoretrain.launch_control
    ADD COLUMN max_tasks integer;           -- as the last launch was told; NULL: not launched yet

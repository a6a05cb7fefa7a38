-- database_time --
-- The time of this very moment, not of the transaction's start.
SELECT clock_timestamp() AS now;

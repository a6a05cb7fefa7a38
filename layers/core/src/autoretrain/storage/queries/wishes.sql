-- strategy_owner --
-- Whose strategy it is.
SELECT user_id FROM autoretrain.strategies WHERE id = %(strategy_id)s;

-- strategies_called --
-- The strategies of that name, whoever's they are.
SELECT id FROM autoretrain.strategies WHERE name = %(called)s;

-- strategy_owner --
-- Whose strategy it is.
SELECT user_id FROM autoretrain.strategies WHERE id = %(strategy_id)s;

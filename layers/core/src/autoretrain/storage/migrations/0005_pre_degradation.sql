-- Degradation may be told by a test whose false alarms are bounded, instead of by the ratio.

ALTER TABLE autoretrain.strategy_training
    DROP CONSTRAINT strategy_training_degradation_rule_check,
    ADD CHECK (degradation_rule IN ('ratio', 'calibrated'));

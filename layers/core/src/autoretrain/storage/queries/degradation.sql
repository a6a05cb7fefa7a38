-- champion_record --
-- What the champions were expected to call right when they were judged, and what they have called.
SELECT * FROM autoretrain.champion_records(
    %(strategy_ids)s::uuid[], %(as_of)s, %(block_trades)s, %(newest_trades)s, %(tenths)s
);

-- Every partition begins at its first record.
INSERT INTO ledger_offsets (topic, partition, next_offset)
SELECT topic, partition, 0
FROM unnest($1::text[]) topic, generate_series(0, $2::int - 1) partition
ON CONFLICT (topic, partition) DO NOTHING

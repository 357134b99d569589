-- Every partition begins at its first record. While nothing of a partition is stored, its topic may be made again.
INSERT INTO ledger_offsets AS o (topic, topic_id, partition, next_offset)
SELECT t.topic, t.id, partition, 0
FROM unnest($1::text[], $2::uuid[]) t (topic, id), generate_series(0, $3::int - 1) partition
ON CONFLICT (topic, partition) DO UPDATE SET topic_id = excluded.topic_id WHERE o.next_offset = 0

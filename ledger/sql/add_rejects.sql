-- The records of the batch that are not counted.
INSERT INTO rejected_votes (topic, partition, record_offset, reason, key, raw)
SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[])

-- Moves each partition on from where this ledger left it. A row that has another offset by now was moved by another ledger.
UPDATE ledger_offsets o
SET next_offset = b.next
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) b (partition, before, next)
WHERE o.topic = $1 AND o.partition = b.partition AND o.next_offset = b.before

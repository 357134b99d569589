-- A row is a record of votes_topic: a vote, or the reason why the record by itself is not one. Duplicates are still in
-- it; they share dedup_key, and the first by offset is to be kept. In an election with a register, dedup_key is the
-- commitment to the ballot (election.CommitTo): a copy in another district, age group or gender, which the register does
-- not allow, must not take the place of the ballot.
--
-- Only functions that cannot fail touch a record (get, not [ ]): one error would end the query for good. The fields are
-- cut out at the quotes, which is sound once the grammar holds, since no field can hold a quote.

WITH lines AS (
  SELECT partition, offset, timestamp, CAST(key AS STRING) AS key, CAST(value AS STRING) AS line
  FROM votes
),

fields AS (
  SELECT partition, offset, timestamp, key, line, split(line, '"') AS field
  FROM lines
),

read AS (
  SELECT partition, offset, timestamp,
    get(field, 3) AS ballot_id, get(field, 7) AS candidate_id, get(field, 11) AS district_id,
    get(field, 15) AS age_group, get(field, 19) AS gender, get(field, 23) AS voting_time,
    coalesce(line RLIKE :grammar AND key = get(field, 3), FALSE) AS well_formed
  FROM fields
),

-- The first reason that applies, in the order of election.Reasons. The joins are broadcast: any other kind would shuffle
-- the votes, and lose the order by offset that decides which copy of a ballot counts.
classified AS (
  SELECT /*+ BROADCAST(candidates, districts) */ read.*, districts.region_id,
    CASE
      WHEN NOT well_formed THEN 'malformed'
      WHEN crc32(ballot_id) % :partitions <> partition THEN 'wrong_partition'
      WHEN candidates.candidate_id IS NULL THEN 'unknown_candidate'
      WHEN districts.district_id IS NULL THEN 'unknown_district'
      WHEN voting_time < :opens OR voting_time >= :closes THEN 'outside_polling_hours'
    END AS reason
  FROM read
  LEFT JOIN candidates ON well_formed AND read.candidate_id = candidates.candidate_id
  LEFT JOIN districts ON well_formed AND read.district_id = districts.district_id
)

-- Nothing of a rejected record goes further: ten thousand unknown candidates would be ten thousand totals. Its key for
-- deduplication is its own, and longer than a ballot's 16 bytes.
SELECT
  CASE
    WHEN reason IS NOT NULL THEN CAST(concat('not a ballot id: ', partition, ':', offset) AS BINARY)
    WHEN :has_register THEN unhex(left(sha2(concat_ws('/', :fingerprint, ballot_id, district_id, age_group, gender), 256), 32))
    ELSE unhex(ballot_id)
  END AS dedup_key,
  reason,
  IF(reason IS NULL, candidate_id, NULL) AS candidate_id,
  IF(reason IS NULL, district_id, NULL) AS district_id,
  IF(reason IS NULL, region_id, NULL) AS region_id,
  IF(reason IS NULL, age_group, NULL) AS age_group,
  IF(reason IS NULL, gender, NULL) AS gender,
  IF(reason IS NULL, substr(voting_time, 1, 16), NULL) AS slot,
  timestamp
FROM classified

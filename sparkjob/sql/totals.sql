-- A row is a record of a result topic: topic, key, value. The totals are absolute; the key is run/natural key.
--
-- A ballot counts if the register allows it, or if the election has no register. The join takes place after copies are
-- dropped, when the order by offset no longer matters. Its hint has Spark sort the ballots of the micro-batch and merge
-- them with the register, which is cached in that order; both are partitioned by the same key, so nothing is shuffled.
--
-- Every ballot adds one to a cell of each result topic, every rejected record to the cell of its reason. A cell is a
-- topic and a natural key. A new aggregation, declared in election/aggregations.go, is a line in cells, and one in named
-- for each field of its key, which says which part of the key the field is.

WITH allowed AS (
  SELECT /*+ MERGE(register) */ ballots.* EXCEPT (reason),
    IF(reason IS NULL AND :has_register AND commitment IS NULL, 'unregistered', reason) AS reason
  FROM ballots
  LEFT JOIN register ON dedup_key = commitment
),

cells AS (
  SELECT timestamp, explode(
    IF(reason IS NULL,
      array(
        struct('aggregated_votes_per_candidate' AS topic, candidate_id AS natural_key),
        struct('aggregated_turnout_by_location' AS topic, region_id AS natural_key),
        struct('aggregated_votes_by_location' AS topic, concat(region_id, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_by_district' AS topic, concat(district_id, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_by_demographic' AS topic, concat(region_id, '/', age_group, '/', gender, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_per_slot' AS topic, concat(region_id, '/', slot, '/', candidate_id) AS natural_key)),
      array(
        struct('aggregated_votes_rejected' AS topic, reason AS natural_key)))) AS cell
  FROM allowed
),

totals AS (
  SELECT cell.topic, cell.natural_key, count(*) AS total_votes, max(timestamp) AS newest
  FROM cells
  GROUP BY cell.topic, cell.natural_key
),

parts AS (
  SELECT *, split(natural_key, '/') AS part
  FROM totals
),

named AS (
  SELECT topic, natural_key, total_votes, newest,
    CASE topic
      WHEN 'aggregated_votes_per_candidate' THEN part[0]
      WHEN 'aggregated_votes_by_location' THEN part[1]
      WHEN 'aggregated_votes_by_district' THEN part[1]
      WHEN 'aggregated_votes_by_demographic' THEN part[3]
      WHEN 'aggregated_votes_per_slot' THEN part[2]
    END AS candidate_id,
    CASE topic
      WHEN 'aggregated_turnout_by_location' THEN part[0]
      WHEN 'aggregated_votes_by_location' THEN part[0]
      WHEN 'aggregated_votes_by_demographic' THEN part[0]
      WHEN 'aggregated_votes_per_slot' THEN part[0]
    END AS region_id,
    CASE topic
      WHEN 'aggregated_votes_by_district' THEN part[0]
    END AS district_id,
    CASE topic
      WHEN 'aggregated_votes_by_demographic' THEN part[1]
    END AS age_group,
    CASE topic
      WHEN 'aggregated_votes_by_demographic' THEN part[2]
    END AS gender,
    CASE topic
      WHEN 'aggregated_votes_per_slot' THEN part[1]
    END AS slot,
    CASE topic
      WHEN 'aggregated_votes_rejected' THEN part[0]
    END AS reason
  FROM parts
)

SELECT /*+ BROADCAST(candidates, regions) */ topic, concat(:run, '/', natural_key) AS key,
  to_json(named_struct( -- without the fields that are null
    'run', :run,
    'candidate_id', named.candidate_id,
    'candidate_name', candidate_name,
    'party_affiliation', party_affiliation,
    'photo_url', photo_url,
    'region_id', named.region_id,
    'region_name', region_name,
    'registered_voters', registered_voters,
    'district_id', district_id,
    'age_group', age_group,
    'gender', gender,
    'slot', slot,
    'reason', reason,
    'total_votes', total_votes,
    'newest_record_at', date_format(newest, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"))) AS value
FROM named
LEFT JOIN candidates ON topic = 'aggregated_votes_per_candidate' AND named.candidate_id = candidates.candidate_id
LEFT JOIN regions ON topic = 'aggregated_turnout_by_location' AND named.region_id = regions.region_id

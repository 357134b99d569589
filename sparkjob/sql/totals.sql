-- A row is a record of a result topic: topic, key, value. The totals are absolute; the key is run/natural key.
--
-- Every ballot adds one to a cell of each result topic, every rejected record to the cell of its reason. A cell is a
-- topic and a natural key, so a new aggregation is a line in cells, and one in named where its fields are.

WITH cells AS (
  SELECT timestamp, explode(
    IF(reason IS NULL,
      array(
        struct('aggregated_votes_per_candidate' AS topic, candidate_id AS natural_key),
        struct('aggregated_turnout_by_location' AS topic, region_id AS natural_key),
        struct('aggregated_votes_by_location' AS topic, concat(region_id, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_by_district' AS topic, concat(district_id, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_by_demographic' AS topic, concat(region_id, '/', age_group, '/', gender, '/', candidate_id) AS natural_key),
        struct('aggregated_votes_per_minute' AS topic, concat(region_id, '/', minute, '/', candidate_id) AS natural_key)),
      array(
        struct('aggregated_votes_rejected' AS topic, reason AS natural_key)))) AS cell
  FROM ballots
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
      WHEN 'aggregated_votes_rejected' THEN NULL
      WHEN 'aggregated_turnout_by_location' THEN NULL
      ELSE element_at(part, -1)
    END AS candidate_id,
    CASE WHEN topic IN ('aggregated_turnout_by_location', 'aggregated_votes_by_location', 'aggregated_votes_by_demographic', 'aggregated_votes_per_minute')
      THEN part[0] END AS region_id,
    IF(topic = 'aggregated_votes_by_district', part[0], NULL) AS district_id,
    IF(topic = 'aggregated_votes_by_demographic', part[1], NULL) AS age_group,
    IF(topic = 'aggregated_votes_by_demographic', part[2], NULL) AS gender,
    IF(topic = 'aggregated_votes_per_minute', part[1], NULL) AS minute,
    IF(topic = 'aggregated_votes_rejected', natural_key, NULL) AS reason
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
    'minute', minute,
    'reason', reason,
    'total_votes', total_votes,
    'newest_record_at', date_format(newest, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"))) AS value
FROM named
LEFT JOIN candidates ON topic = 'aggregated_votes_per_candidate' AND named.candidate_id = candidates.candidate_id
LEFT JOIN regions ON topic = 'aggregated_turnout_by_location' AND named.region_id = regions.region_id

-- totals.sql by grouping sets instead of exploded cells. Only bench_test.go runs it.

WITH totals AS (
  SELECT grouping_id() AS sets, reason, candidate_id, district_id, region_id, age_group, gender, slot,
    count(*) AS total_votes, max(timestamp) AS newest
  FROM ballots
  GROUP BY GROUPING SETS (
    (reason, candidate_id), (reason, region_id), (reason, region_id, candidate_id), (reason, district_id, candidate_id),
    (reason, region_id, age_group, gender, candidate_id), (reason, region_id, slot, candidate_id), (reason))
)

SELECT 'aggregated_votes_per_candidate' AS topic,
  concat_ws('/', :run, sets, reason, candidate_id, district_id, region_id, age_group, gender, slot) AS key,
  to_json(named_struct('run', :run, 'total_votes', total_votes, 'newest_record_at', newest)) AS value
FROM totals

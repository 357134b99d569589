-- The finest key only, for readers to add up. Only bench_test.go runs it.

WITH totals AS (
  SELECT reason, candidate_id, district_id, age_group, gender, slot, count(*) AS total_votes, max(timestamp) AS newest
  FROM ballots
  GROUP BY reason, candidate_id, district_id, age_group, gender, slot
)

SELECT 'aggregated_votes_per_candidate' AS topic,
  concat_ws('/', :run, reason, candidate_id, district_id, age_group, gender, slot) AS key,
  to_json(named_struct('run', :run, 'total_votes', total_votes, 'newest_record_at', newest)) AS value
FROM totals

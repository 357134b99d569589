-- Reading and classifying without counting by anything. Only bench_test.go runs it.

SELECT 'aggregated_votes_per_candidate' AS topic, concat(:run, '/', coalesce(reason, 'vote')) AS key, CAST(count(*) AS STRING) AS value
FROM ballots
GROUP BY reason

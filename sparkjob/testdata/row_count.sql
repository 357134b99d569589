-- The bare number of records, as a reference. Only bench_test.go runs it.

SELECT 'aggregated_votes_per_candidate' AS topic, concat(:run, '/rows') AS key, CAST(count(*) AS STRING) AS value
FROM votes

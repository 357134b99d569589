-- The first copy of each ballot of the batch, unless one is stored. All copies of a ballot are of one partition, so the
-- first in the batch is the first by offset. In the order of their ids, ballots lie in the table as they would in any
-- other order of arrival.
INSERT INTO votes (ballot_id, voting_time, candidate_id, district_id, age_group, gender)
SELECT DISTINCT ON (ballot_id) ballot_id, voting_time, candidate_id, district_id, age_group, gender
FROM staged_votes
ORDER BY ballot_id, place
ON CONFLICT (ballot_id) DO NOTHING

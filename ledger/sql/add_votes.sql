-- The first copy of each ballot of the batch, unless one is stored. All copies of a ballot are in one partition, so the
-- first in the batch is the first by offset. The rows are inserted in the order of their ids, so the table does not show
-- in which order the ballots came.
INSERT INTO votes (ballot_id, voting_time, candidate_id, district_id, age_group, gender)
SELECT DISTINCT ON (ballot_id) ballot_id, voting_time, candidate_id, district_id, age_group, gender
FROM staged_votes
ORDER BY ballot_id, place
ON CONFLICT (ballot_id) DO NOTHING

-- The records of the batch that are later copies of a ballot, and whether they have the fields of the stored copy. A
-- vote's line is a function of its fields, so equal fields are equal bytes. A row that this transaction added was not
-- stored before it.
SELECT s.place,
       (s.voting_time, s.candidate_id, s.district_id, s.age_group, s.gender)
     = (v.voting_time, v.candidate_id, v.district_id, v.age_group, v.gender) AS same
FROM (SELECT *, row_number() OVER (PARTITION BY ballot_id ORDER BY place) AS copy FROM staged_votes) s
JOIN votes v USING (ballot_id)
WHERE s.copy > 1 OR v.xmin <> pg_current_xact_id()::xid
ORDER BY s.place

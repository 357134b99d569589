-- The records of the batch that are later entries of a voter, and whether they have the fields of the stored entry.
SELECT s.place,
       (s.date_of_birth, s.registered_age, s.voter_name, s.gender, s.nationality, s.registration_number,
        s.address_street, s.address_city, s.address_state, s.address_country, s.address_postcode,
        s.email, s.phone_number, s.cell_number, s.picture, s.district_id)
     = (v.date_of_birth, v.registered_age, v.voter_name, v.gender, v.nationality, v.registration_number,
        v.address_street, v.address_city, v.address_state, v.address_country, v.address_postcode,
        v.email, v.phone_number, v.cell_number, v.picture, v.district_id) AS same
FROM (SELECT *, row_number() OVER (PARTITION BY voter_id ORDER BY place) AS copy FROM staged_voters) s
JOIN voters v USING (voter_id)
WHERE s.copy > 1 OR v.xmin <> pg_current_xact_id()::xid
ORDER BY s.place

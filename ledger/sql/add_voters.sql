-- The first entry of each voter of the batch, unless one is stored.
INSERT INTO voters (voter_id, date_of_birth, registered_age, voter_name, gender, nationality, registration_number,
    address_street, address_city, address_state, address_country, address_postcode,
    email, phone_number, cell_number, picture, district_id)
SELECT DISTINCT ON (voter_id) voter_id, date_of_birth, registered_age, voter_name, gender, nationality, registration_number,
    address_street, address_city, address_state, address_country, address_postcode,
    email, phone_number, cell_number, picture, district_id
FROM staged_voters
ORDER BY voter_id, place
ON CONFLICT (voter_id) DO NOTHING

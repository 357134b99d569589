-- The rows of a batch. place is a record's place in the batch, which grows with the offset within a partition. Both tables
-- are empty between transactions.
CREATE TEMP TABLE staged_votes (
    place        int         NOT NULL,
    ballot_id    uuid        NOT NULL,
    voting_time  timestamptz NOT NULL,
    candidate_id text        NOT NULL,
    district_id  text        NOT NULL,
    age_group    text        NOT NULL,
    gender       text        NOT NULL
) ON COMMIT DELETE ROWS;

CREATE TEMP TABLE staged_voters (
    place               int  NOT NULL,
    voter_id            text NOT NULL,
    date_of_birth       date NOT NULL,
    registered_age      int  NOT NULL,
    voter_name          text NOT NULL,
    gender              text NOT NULL,
    nationality         text NOT NULL,
    registration_number text NOT NULL,
    address_street      text NOT NULL,
    address_city        text NOT NULL,
    address_state       text NOT NULL,
    address_country     text NOT NULL,
    address_postcode    text NOT NULL,
    email               text NOT NULL,
    phone_number        text NOT NULL,
    cell_number         text NOT NULL,
    picture             text NOT NULL,
    district_id         text NOT NULL
) ON COMMIT DELETE ROWS;

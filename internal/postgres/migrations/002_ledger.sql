-- What the ledger stores. No table holds a voter and a ballot together, and nothing in one orders its rows by arrival.
--
-- There are no foreign keys: the ledger judges every record by the definition in Kafka before it is inserted, and a key
-- that failed would end a whole batch.

-- The public register: a voter a row.
CREATE TABLE voters (
    voter_id            text PRIMARY KEY,
    date_of_birth       date NOT NULL,
    registered_age      int  NOT NULL, -- years, on the day the polls open
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
    district_id         text NOT NULL  -- in districts, and so is the region
);

-- A counted ballot a row: the first copy, by offset, of each.
CREATE TABLE votes (
    ballot_id    uuid        PRIMARY KEY,
    voting_time  timestamptz NOT NULL, -- in whole milliseconds
    candidate_id text        NOT NULL,
    district_id  text        NOT NULL,
    age_group    text        NOT NULL, -- empty where it is not known
    gender       text        NOT NULL  -- empty where it is not known
);

-- A record of votes_topic or voters_topic that is not counted, and why.
CREATE TABLE rejected_votes (
    topic         text   NOT NULL,
    partition     int    NOT NULL,
    record_offset bigint NOT NULL,
    reason        text   NOT NULL,
    key           bytea,           -- as it came; null where there was none
    raw           bytea,           -- the value as it came; null where there was none
    PRIMARY KEY (topic, partition, record_offset)
);

-- How far the tables above hold a partition: all records before next_offset, none from there on.
CREATE TABLE ledger_offsets (
    topic       text   NOT NULL,
    partition   int    NOT NULL,
    next_offset bigint NOT NULL,
    topic_id    uuid   NOT NULL, -- Kafka's: a topic that is deleted and made again has another
    PRIMARY KEY (topic, partition)
);

-- Nobody reads these.
ALTER TABLE candidates DROP COLUMN candidate_number;
ALTER TABLE districts DROP COLUMN district_number;

---- create above / drop below ----

ALTER TABLE districts ADD COLUMN district_number int;
ALTER TABLE candidates ADD COLUMN candidate_number int;
DROP TABLE ledger_offsets;
DROP TABLE rejected_votes;
DROP TABLE votes;
DROP TABLE voters;

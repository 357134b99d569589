-- The election definition, as Spark joins it to the votes. The numbers of candidates and districts are their places in
-- the definition, from 0.

CREATE TABLE regions (
    region_id         text   PRIMARY KEY,
    region_name       text   NOT NULL,
    registered_voters bigint           -- null where no register is known
);

CREATE TABLE candidates (
    candidate_id      text   PRIMARY KEY,
    candidate_number  int    NOT NULL UNIQUE,
    candidate_name    text   NOT NULL,
    party_affiliation text   NOT NULL,
    biography         text   NOT NULL,
    campaign_platform text   NOT NULL,
    photo_url         text   NOT NULL
);

CREATE TABLE districts (
    district_id       text   PRIMARY KEY,
    district_number   int    NOT NULL UNIQUE,
    district_name     text   NOT NULL,
    region_id         text   NOT NULL REFERENCES regions,
    registered_voters bigint           -- null where no register is known
);

---- create above / drop below ----

DROP TABLE districts;
DROP TABLE candidates;
DROP TABLE regions;

-- What each role may do with the tables of the election, and nothing else, whatever was granted before. Other tables of
-- this database, and who may do what with them, are left alone.
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM election_ledger, election_spark, election_reader', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO election_ledger, election_spark, election_reader', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO election_ledger', current_database()); -- its staging tables
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM election_ledger, election_spark, election_reader;
GRANT USAGE ON SCHEMA public TO election_ledger, election_spark, election_reader;

REVOKE ALL ON candidates, regions, districts, voters, votes, rejected_votes, ledger_offsets, schema_version
    FROM PUBLIC, election_ledger, election_spark, election_reader;
GRANT SELECT, INSERT ON voters, votes, rejected_votes TO election_ledger;
GRANT SELECT, INSERT, UPDATE ON ledger_offsets TO election_ledger;
GRANT SELECT ON candidates, regions, districts TO election_spark;
GRANT SELECT ON candidates, regions, districts, voters, votes, rejected_votes, ledger_offsets, schema_version TO election_reader;

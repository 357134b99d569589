-- What each role may do with the tables of the election, and nothing else, whatever was granted to it before. What
-- everybody may do with this database, and other tables, are left alone.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM election_ledger, election_spark, election_reader', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO election_ledger, election_spark, election_reader', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO election_ledger', current_database()); -- its staging tables
END
$$;

REVOKE ALL ON SCHEMA public FROM election_ledger, election_spark, election_reader;
GRANT USAGE ON SCHEMA public TO election_ledger, election_spark, election_reader;

REVOKE ALL ON candidates, regions, districts, voters, votes, rejected_votes, ledger_offsets, schema_version
    FROM PUBLIC, election_ledger, election_spark, election_reader;
GRANT SELECT, INSERT ON voters, votes, rejected_votes TO election_ledger;
GRANT SELECT, INSERT, UPDATE ON ledger_offsets TO election_ledger;
GRANT SELECT ON candidates, regions, districts TO election_spark;
GRANT SELECT ON candidates, regions, districts, voters, votes, rejected_votes, ledger_offsets, schema_version TO election_reader;

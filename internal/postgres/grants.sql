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

-- The lock of internal/lease, which each of the two roles may take for itself only. Its number spells the lease's name.
CREATE OR REPLACE FUNCTION try_lease(key bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF key IS DISTINCT FROM (CASE session_user WHEN 'election_ledger' THEN x'6c6564676572'::bigint WHEN 'election_spark' THEN x'7375626d6974'::bigint END) THEN
        RAISE insufficient_privilege USING MESSAGE = format('the lease %s is not that of %s', key, session_user);
    END IF;
    RETURN pg_try_advisory_lock(key);
END
$$;

-- The lock of the connection on which the ledger works: the same number, in two halves.
CREATE OR REPLACE FUNCTION try_lease(high int, low int) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF (session_user, high, low) IS DISTINCT FROM ('election_ledger', x'6c65'::int, x'64676572'::int) THEN
        RAISE insufficient_privilege USING MESSAGE = format('the lease %s, %s is not that of %s', high, low, session_user);
    END IF;
    RETURN pg_try_advisory_lock(high, low);
END
$$;

REVOKE ALL ON FUNCTION try_lease(bigint), try_lease(int, int) FROM PUBLIC, election_ledger, election_spark, election_reader;
GRANT EXECUTE ON FUNCTION try_lease(bigint), try_lease(int, int) TO election_ledger, election_spark;

-- How much each connection may put into temporary files, for sorting and joining. Only a superuser may bound it.
DO $$
BEGIN
    ALTER ROLE election_ledger SET temp_file_limit = '1GB';
    ALTER ROLE election_spark SET temp_file_limit = '1GB';
    ALTER ROLE election_reader SET temp_file_limit = '1GB';
EXCEPTION WHEN insufficient_privilege THEN
    NULL; -- the operator of the server decides
END
$$;

-- What everybody may do in PostgreSQL, unless a superuser takes it away: take the locks by which one submit and one ledger
-- act, and fill the disk with large objects and temporary tables. It is taken away where nobody else has a login.
DO $$
DECLARE
    what text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> current_user
        AND rolname NOT IN ('election_ledger', 'election_spark', 'election_reader'))
    THEN
        RETURN;
    END IF;
    FOR what IN SELECT oid::regprocedure FROM pg_catalog.pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^pg_(try_)?advisory_' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, election_ledger, election_spark, election_reader', what);
    END LOOP;
    REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
EXCEPTION WHEN insufficient_privilege OR invalid_catalog_name THEN
    NULL; -- the operator of the server decides
END
$$;

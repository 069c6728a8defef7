"""What statements touch: texts as drivers, pools and ORMs send them, and texts that somebody wrote to hide a read."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.brokers.postgres.touching import Catalogue, effect_of

# A small part of what a server answers: as `Postgres.window` asks for it, without the namesakes of others.
OWN = Catalogue(
    frozenset(
        {("pg_catalog", f"pg_{name}") for name in (
            "am", "attrdef", "attribute", "class", "collation", "constraint", "database", "description", "enum",
            "index", "largeobject", "namespace", "proc", "range", "roles", "settings", "stat_activity", "stats",
            "tables", "timezone_names", "type",
        )}
        | {("information_schema", "tables"), ("information_schema", "columns")}
    ),
    frozenset(
        {
            "array_agg", "array_length", "col_description", "count", "current_database", "current_schema",
            "current_schemas", "current_setting", "format_type", "generate_series", "generate_subscripts", "int4",
            "lo_get", "lower", "max", "nextval", "now", "obj_description", "pg_advisory_unlock_all", "pg_backend_pid",
            "pg_encoding_to_char", "pg_get_expr", "pg_is_in_recovery", "pg_sleep", "pg_table_is_visible",
            "query_to_xml", "row_number", "set_config", "string_agg", "substring", "to_regtype", "ts_stat",
            "txid_current_if_assigned", "unnest", "upper", "version",
        }
    ),
)  # fmt: skip

NOTHING = [
    "",
    ";",
    "  ;; -- nothing",
    "-- ping",
    "/* ping */ SELECT 1",
    "SELECT 1",
    "select 1 as result;",
    "SELECT 1+1 AS result",
    "SELECT (1)",
    "VALUES (1), (2)",
    "SELECT $1::text, :x",
    "BEGIN",
    "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT",
    "START TRANSACTION READ ONLY",
    "SAVEPOINT PGJDBC_AUTOSAVE",
    "RELEASE SAVEPOINT s",
    "ROLLBACK TO SAVEPOINT s",
    "END",
    "ABORT",
    "PREPARE find(int) AS SELECT * FROM users WHERE id = $1",
    "DEALLOCATE pdo_1",
    "DISCARD ALL",
    "LISTEN changes",
    "NOTIFY changes, '7'",
    "CLOSE ALL",
    "EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1",
    "COPY (SELECT 1) TO STDOUT",
    "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT typname FROM pg_type",
    # asyncpg: taking a connection back, and looking types up with the JIT compiler off
    "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
    "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new",
    """WITH RECURSIVE typeinfo_tree(
        oid, ns, name, kind, basetype, elemtype, elemdelim, range_subtype, attrtypoids, attrnames, depth)
    AS (
        SELECT ti.oid, ti.ns, ti.name, ti.kind, ti.basetype, ti.elemtype, ti.elemdelim, ti.range_subtype,
            ti.attrtypoids, ti.attrnames, 0
        FROM (
            SELECT t.oid AS oid, ns.nspname AS ns, t.typname AS name, t.typtype AS kind,
                (CASE WHEN t.typtype = 'd' THEN
                    (WITH RECURSIVE typebases(oid, depth) AS (
                        SELECT t2.typbasetype AS oid, 0 AS depth FROM pg_type t2 WHERE t2.oid = t.oid
                        UNION ALL
                        SELECT t2.typbasetype AS oid, tb.depth + 1 AS depth FROM pg_type t2, typebases tb
                        WHERE tb.oid = t2.oid AND t2.typbasetype != 0
                   ) SELECT oid FROM typebases ORDER BY depth DESC LIMIT 1)
                   ELSE NULL
                END) AS basetype,
                t.typelem AS elemtype, elem_t.typdelim AS elemdelim, range_t.rngsubtype AS range_subtype,
                (CASE WHEN t.typtype = 'c' THEN
                    (SELECT array_agg(ia.atttypid ORDER BY ia.attnum)
                    FROM pg_attribute ia INNER JOIN pg_class c ON (ia.attrelid = c.oid)
                    WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid)
                    ELSE NULL
                END) AS attrtypoids
            FROM pg_catalog.pg_type AS t
            INNER JOIN pg_catalog.pg_namespace ns ON (ns.oid = t.typnamespace)
            LEFT JOIN pg_type elem_t ON (t.typlen = -1 AND t.typelem != 0 AND t.typelem = elem_t.oid)
            LEFT JOIN pg_range range_t ON (t.oid = range_t.rngtypid)
        ) AS ti
        WHERE ti.oid = any($1::oid[])
        UNION ALL
        SELECT ti.oid FROM (SELECT oid FROM pg_type) ti, typeinfo_tree tt
        WHERE (tt.elemtype IS NOT NULL AND ti.oid = tt.elemtype)
            OR (tt.attrtypoids IS NOT NULL AND ti.oid = any(tt.attrtypoids))
    )
    SELECT DISTINCT *, basetype::regtype::text AS basetype_name FROM typeinfo_tree ORDER BY depth DESC""",
    # psycopg
    """SELECT typname AS name, oid, typarray AS array_oid, oid::regtype::text AS regtype, typdelim AS delimiter
    FROM pg_type t WHERE t.oid = to_regtype($1) ORDER BY t.oid""",
    # SQLAlchemy: the first connection, and asyncpg's ping within a transaction
    "select pg_catalog.version()",
    "show standard_conforming_strings",
    "select current_schema()",
    "SHOW TRANSACTION ISOLATION LEVEL",
    "SELECT 'test plain returns'::text AS anon_1",
    "SELECT CAST('test unicode returns' AS VARCHAR(60)) AS anon_1",
    "SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore'",
    """SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace
    ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = $1::VARCHAR
    AND pg_catalog.pg_class.relkind = ANY (ARRAY[$2::VARCHAR, $3::VARCHAR])
    AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid)
    AND pg_catalog.pg_namespace.nspname != $4::VARCHAR""",
    # JDBC and HikariCP
    "SET extra_float_digits = 3",
    "SET application_name = 'PostgreSQL JDBC Driver'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    """SELECT e.typdelim FROM pg_catalog.pg_type t, pg_catalog.pg_type e WHERE t.oid = $1 and t.typelem = e.oid""",
    """SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid
    FROM pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns
    join ( select s.r, (current_schemas(false))[s.r] as nspname
    from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) ) as r using ( nspname )
    ) as sp ON sp.nspoid = typnamespace WHERE pg_type.oid = $1 ORDER BY sp.r, pg_type.oid DESC""".replace(
        "array_upper", "array_length"
    ),
    # Sequelize
    "SET standard_conforming_strings=on;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE",
    "SHOW SERVER_VERSION;",
    """WITH ranges AS (  SELECT pg_range.rngtypid, pg_type.typname AS rngtypname,
         pg_type.typarray AS rngtyparray, pg_range.rngsubtype
    FROM pg_range LEFT OUTER JOIN pg_type ON pg_type.oid = pg_range.rngtypid)
    SELECT pg_type.typname, pg_type.typtype, pg_type.oid, pg_type.typarray, ranges.rngtypname
    FROM pg_type LEFT OUTER JOIN ranges ON pg_type.oid = ranges.rngsubtype WHERE (pg_type.typtype IN('b', 'e'));""",
    # TypeORM, Knex
    "SELECT * FROM current_schema()",
    'SELECT * FROM "information_schema"."tables" WHERE "table_schema" = \'public\' AND "table_name" = \'users\'',
    "select version();",
    # ActiveRecord, Django
    "SELECT t.oid, t.typname FROM pg_type as t WHERE t.typname IN ('int2', 'int4')",
    """SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attrelid = '"users"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""",
    "SELECT c.relname, CASE WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END FROM pg_catalog.pg_class c",
    # Npgsql
    "SELECT version();\n\nSELECT ns.nspname FROM pg_type AS t JOIN pg_namespace AS ns ON ns.oid = t.typnamespace",
    "CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP",
    # what the words of a table stand in
    "SELECT 'x FROM users' AS \"FROM users\"",
    "SELECT 1 /* FROM users */ -- FROM users",
    "SELECT $$ FROM users; $$",
    "SELECT E'it\\'s FROM users'",
    'SELECT "now"(), pg_catalog."now"()',
    "SELECT EXISTS (SELECT 1), coalesce(NULL, 1), array(SELECT 1), count(*) FILTER (WHERE true) FROM pg_class",
    "SELECT row_number() OVER (ORDER BY oid) FROM pg_class GROUP BY GROUPING SETS ((oid), ())",
    "WITH users AS (SELECT 1) SELECT * FROM users",
    "WITH users(n) AS MATERIALIZED (SELECT 1) SELECT * FROM users UNION SELECT 2 FROM users",
    "WITH RECURSIVE users AS (SELECT 1 UNION ALL SELECT * FROM users) SELECT * FROM users",
    "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM (WITH c AS (SELECT * FROM b) SELECT * FROM c) x",
    "SELECT * FROM unnest(ARRAY[1, 2]) AS users(n)",
    "SELECT string_agg(n, ',' ORDER BY n), 'a'::character varying(3) FROM (VALUES ('a')) AS t(n)",
]
READS = [
    "SELECT * FROM users WHERE id = $1",
    "select 1 from users where id = 7",
    'SELECT "users"."id" FROM "users" AS "users" WHERE "users"."id" = 7',
    'SELECT "User"."id" FROM "public"."users" AS "User"',
    "SELECT * FROM app.public.users",
    "SELECT * FROM ONLY users",
    "TABLE users",
    "SELECT*FROM/**/users",
    "SELECT u.* FROM pg_class c, users u",
    "SELECT * FROM pg_class JOIN LATERAL (SELECT * FROM users) x ON true",
    "SELECT * FROM (SELECT * FROM users) x",
    "SELECT (SELECT name FROM users)",
    "SELECT 1 WHERE EXISTS (TABLE users)",
    "SELECT 1 LIMIT (SELECT count(*) FROM users)",
    "SELECT 1 UNION ALL SELECT id FROM users",
    "SELECT * FROM users FOR UPDATE",
    "WITH u AS (SELECT * FROM users) SELECT * FROM u",
    "WITH users AS (SELECT * FROM users) SELECT * FROM users",
    "WITH a AS (SELECT * FROM users), users AS (SELECT 1) SELECT * FROM a",
    "SELECT * FROM (WITH users AS (SELECT 1) SELECT 1) x, users",
    "WITH users AS (SELECT 1) SELECT * FROM public.users",
    "SELECT * FROM users_view",
    "SELECT * FROM pg_users",  # a view of theirs with such a name
    'SELECT * FROM "PG_CLASS"',
    "SELECT * FROM public.pg_class",
    "SELECT * FROM tables",
    "SELECT 1; SELECT * FROM users",
    "BEGIN; SELECT * FROM users; COMMIT",
    "SELECT 1; INSERT INTO seen VALUES (7); SELECT * FROM users",
    "SELECT find_user(7)",
    "SELECT * FROM find_user(7)",
    "SELECT * FROM ROWS FROM (now(), find_user(7))",
    "SELECT public.version()",
    'SELECT "Version"()',
    "SELECT pg_catalog.find_user(7)",
    "SELECT over(7)",
    "SELECT query_to_xml('SELECT * FROM users', true, false, '')",
    "SELECT word FROM ts_stat('SELECT name::tsvector FROM users')",
    "SELECT nextval('s')",
    "SELECT lo_get(7)",
    "SELECT * FROM pg_largeobject",
    "SELECT most_common_vals FROM pg_stats",
    "CALL touch(7)",
    "DO $$ BEGIN PERFORM * FROM users; END $$",
    "FETCH ALL FROM c",
    "MOVE 1 FROM c",
    "DECLARE c CURSOR FOR SELECT * FROM users",
    'DECLARE "for" CURSOR FOR SELECT * FROM users',
    "EXPLAIN SELECT * FROM users",
    "EXPLAIN (ANALYZE) SELECT * FROM users",
    "EXPLAIN ANALYZE VERBOSE SELECT * FROM users",
    "EXPLAIN ANALYZE EXECUTE find(7)",
    "COPY users TO STDOUT",
    "COPY (SELECT * FROM users) TO STDOUT",
    "LOCK TABLE users",
    "EXECUTE find(7)",
    '"lo_open" (OID 952)',
    "SELECT FROM FROM",
    "SELECT 'unfinished",
    "EXECUTE",
    "COPY",
    "EXPLAIN (",
]
WRITES = [
    "INSERT INTO seen VALUES (7, now())",
    "insert into seen select id from users",
    "UPDATE users SET name = 'x'",
    "DELETE FROM users",
    "MERGE INTO users USING (VALUES (7)) AS v(id) ON true WHEN MATCHED THEN DO NOTHING",
    "TRUNCATE seen",
    "CREATE TABLE IF NOT EXISTS visits (id int)",
    "BEGIN; INSERT INTO seen VALUES (7); COMMIT",
    "SELECT n INTO copied FROM generate_series(1, 2) n",
    "WITH x AS (INSERT INTO seen VALUES (7) RETURNING *) SELECT * FROM x",
    "WITH x AS (SELECT 7 AS id) UPDATE users SET name = 'x' FROM x WHERE users.id = x.id",
    "COPY seen (id) FROM STDIN",
    "EXPLAIN ANALYZE INSERT INTO seen VALUES (7)",
]


@pytest.mark.parametrize("text", NOTHING)
def test_pools_and_drivers_talk_to_themselves(text: str) -> None:
    """Liveness checks, set-up, what a connection is given back with, catalogues."""
    assert effect_of(text, "", OWN) == ""


@pytest.mark.parametrize("text", READS)
def test_what_reads_data_is_a_read(text: str) -> None:
    """Tables, views, functions and procedures of theirs, cursors, and what cannot be parsed."""
    assert effect_of(text, "", OWN) == "read"


@pytest.mark.parametrize("text", WRITES)
def test_what_writes_data_is_a_write(text: str) -> None:
    """Not a read, also where rows come back or from another table."""
    assert effect_of(text, "", OWN) == "write"


@pytest.mark.parametrize(
    ("detail", "effect"),
    [
        ("prepare: PREPARE find(int) AS SELECT * FROM users WHERE id = $1", "read"),
        ("prepare: PREPARE find (numeric(3, 2)) AS\n  SELECT 1", ""),
        ("Prepare: PREPARE find AS INSERT INTO seen VALUES ($1)", "write"),
        ("prepare: PREPARE other AS SELECT 1; PREPARE find AS SELECT * FROM users", "read"),
        ("prepare: PREPARE find AS SELECT 1; PREPARE find AS SELECT * FROM users", "read"),
        ("prepare: PREPARE other AS SELECT 1", "read"),
        ("prepare: PREPARE find AS", "read"),
        ("parameters: $1 = 'SELECT 1'", "read"),
        ("", "read"),
    ],
)
def test_execute_does_what_was_prepared(detail: str, effect: str) -> None:
    """The log says what that was; where it does not, it is a read."""
    assert effect_of("EXECUTE find(7)", detail, OWN) == effect


def test_two_in_one_text_are_not_told_apart() -> None:
    """The log says of one EXECUTE in a text what it runs, not of the second."""
    assert effect_of("EXECUTE find(7); EXECUTE seek(7)", "prepare: PREPARE find AS SELECT 1", OWN) == "read"


def test_a_namesake_takes_the_servers_own_name_away() -> None:
    """What the server brought along counts as its own only while it is the one that is meant."""
    assert effect_of("SELECT version()", "", Catalogue(OWN.relations, OWN.functions - {"version"})) == "read"
    assert effect_of("SELECT 1 FROM pg_type", "", Catalogue(frozenset(), OWN.functions)) == "read"


@pytest.mark.parametrize(
    "text",
    [
        "/*" * 500_000,
        "SELECT 1" + " as as" * 3000 + "!",
        "SELECT " + "(" * 300 + "1" + ")" * 300,
        "SELECT " + "ARRAY[" * 40 + "1" + "]" * 40,
        "SELECT " + "ARRAY[(" * 40 + "1" + ")]" * 40,
        "SELECT " + "- " * 5000 + "1",
        "SELECT a" + "[" * 300,
        "SELECT 1 WHERE " + " and ".join(["a = b"] * 1500) + " and",
        "SELECT * FROM " + "(" * 50 + "users",
    ],
)
def test_a_riddle_is_a_read_and_takes_no_time(text: str) -> None:
    """Somebody may have written it for the parser."""
    began = time.process_time()
    assert effect_of(text, "", OWN) == "read"
    assert time.process_time() - began < 5


@given(st.text(max_size=80) | st.text("select from users(),;'\"$/*-[]", max_size=40))
def test_any_text_has_an_effect(text: str) -> None:
    """Whatever is logged, reading it raises nothing."""
    assert effect_of(text, text, OWN) in {"", "read", "write"}


space = st.sampled_from([" ", "\n\t", " /* FROM pg_type */ ", " -- x'\n", " /* /* ' */ \" */ "])
table = st.sampled_from(["users", "USERS", '"users"', "public.users", 'public . "users"', "app.public.users"])
around = st.sampled_from(
    [
        "{}",
        "({})",
        "SELECT * FROM ({}) x",
        "WITH u AS ({}) SELECT * FROM u",
        "WITH users AS ({}) SELECT * FROM users",
        "WITH u(a, b) AS (SELECT 1, 2) SELECT 1 FROM u WHERE EXISTS ({})",
        "SELECT 1 UNION ALL ({})",
        "SELECT coalesce(({}), 1)",
        "EXPLAIN ANALYZE {}",
        "COPY ({}) TO STDOUT",
        "DECLARE c CURSOR FOR {}",
    ]
)


@given(st.lists(around, max_size=3), table, st.data(), st.sampled_from(["", "SELECT 1; ", "BEGIN;"]))
def test_a_table_is_found_wherever_it_stands(layers: list[str], name: str, data: st.DataObject, before: str) -> None:
    """Within queries of every form, with comments and names as one may write them."""
    words = ["SELECT", "1", "FROM", "pg_type", "t", ",", name, "u"]
    text = "".join(word + data.draw(space) for word in words)
    for layer in layers:
        text = layer.format(text)
    assert effect_of(before + text, "", OWN) == "read"


@given(st.lists(st.sampled_from([t for t in NOTHING + READS + WRITES if "unfinished" not in t]), max_size=3))
def test_several_statements_are_the_sum_of_each(texts: list[str]) -> None:
    """A read before a write before nothing, in whatever order they stand."""
    alone = {effect_of(text, "", OWN) for text in texts}
    together = effect_of("\n;\n".join(texts), "", OWN)
    assert together == next((effect for effect in ("read", "write") if effect in alone), "")


def test_the_parser_is_imported_where_a_log_is_read_only() -> None:
    """It takes a tenth of a second, and most commands never need it."""
    program = "import sys, grader.brokers.postgres.probe, grader.checks.judging; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0

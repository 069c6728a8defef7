"""Reading PostgreSQL's log: lines as the server writes them with our prefix."""

from __future__ import annotations

from grader.brokers.postgres import statement_log
from grader.brokers.postgres.statement_log import between, entries, statements

LOG = """\
PostgreSQL init process complete; ready for start up.
2026-11-24 12:00:00.000 UTC [1] LOG:  database system is ready to accept connections
1795521600.100 [70] 172.28.0.9 LOG:  statement: SELECT 'grader-mark-one'
1795521600.200 [71] 172.28.0.3 LOG:  execute <unnamed>: SELECT id, name
\t  FROM users
\t WHERE id = $1
1795521600.200 [71] 172.28.0.3 DETAIL:  parameters: $1 = '7'
1795521600.210 [71] 172.28.0.3 ERROR:  column "nme" does not exist at character 8
1795521600.210 [71] 172.28.0.3 STATEMENT:  SELECT nme FROM users
1795521600.300 [27]  LOG:  checkpoint starting: time
1795521600.310 [72] 172.28.0.4 LOG:  statement: UPDATE users SET name = 'LOG:  statement: x' WHERE id = 7
1795521600.320 [72] 172.28.0.4 LOG:  execute fetch from S_1/C_2: SELECT 1 FROM users
1795521600.330 [73] [local] LOG:  statement: SELECT 2
1795521600.335 [72] 172.28.0.4 LOG:  statement: EXECUTE find(7)
1795521600.335 [72] 172.28.0.4 DETAIL:  prepare: PREPARE find(int) AS SELECT 1
1795521600.338 [72] 172.28.0.4 LOG:  execute <unnamed>:
1795521600.340 [72] 172.28.0.4 LOG:  duration: 0.061 ms
1795521600.400 [70] 172.28.0.9 LOG:  statement: SELECT 'grader-mark-two'
""".splitlines()


def test_statements_of_every_form_are_found() -> None:
    """Simple and extended protocol, several lines, parameters, none of the server's own talk."""
    found = [(s.host, s.text, s.detail) for s in statements(LOG)]
    assert found == [
        ("172.28.0.9", "SELECT 'grader-mark-one'", ""),
        ("172.28.0.3", "SELECT id, name\n  FROM users\n WHERE id = $1", "parameters: $1 = '7'"),
        ("172.28.0.4", "UPDATE users SET name = 'LOG:  statement: x' WHERE id = 7", ""),
        ("172.28.0.4", "SELECT 1 FROM users", ""),
        ("[local]", "SELECT 2", ""),
        ("172.28.0.4", "EXECUTE find(7)", "prepare: PREPARE find(int) AS SELECT 1"),
        ("172.28.0.4", "", ""),
        ("172.28.0.9", "SELECT 'grader-mark-two'", ""),
    ]


def test_a_window_needs_both_marks() -> None:
    """A log that has lost one of them is no evidence."""
    logged = statements(LOG)
    inside = between(logged, "grader-mark-one", "grader-mark-two")
    assert inside is not None
    assert len(inside) == 6
    assert between(logged, "grader-mark-zero", "grader-mark-two") is None
    assert between(statements(LOG[:-1]), "grader-mark-one", "grader-mark-two") is None


def test_parameters_belong_to_their_own_process() -> None:
    """Two connections at once do not mix."""
    lines = [
        "1795521600.100 [1] 10.0.0.1 LOG:  execute a: SELECT $1",
        "1795521600.100 [2] 10.0.0.2 LOG:  execute b: SELECT $1",
        "1795521600.100 [2] 10.0.0.2 DETAIL:  parameters: $1 = 'two'",
        "1795521600.100 [1] 10.0.0.1 DETAIL:  parameters: $1 = 'one'",
    ]
    assert [s.detail for s in statements(lines)] == ["parameters: $1 = 'one'", "parameters: $1 = 'two'"]


def test_a_log_that_begins_in_the_middle_is_read_from_its_first_entry() -> None:
    """As `tail` cuts it."""
    assert len(list(entries(LOG[4:]))) == len(list(entries(LOG))) - 2


def test_our_prefix_is_what_is_read() -> None:
    """The setting and the expression belong together."""
    line = statement_log.PREFIX.replace("%n", "1795521600.100").replace("%p", "7").replace("%h", "10.0.0.1")
    (entry,) = entries([line + "LOG:  statement: SELECT 2"])
    assert (entry.pid, entry.host, entry.text) == (7, "10.0.0.1", "statement: SELECT 2")

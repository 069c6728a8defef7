"""Why Redis and a cache in it fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    # -- the server
    "redis-password-unknown": Reason(
        title=msg("Redis wants a password that is not the contract's"),
        why=msg("Whoever does not know the password is refused (WRONGPASS), also the other services."),
        hint=msg(
            "Start Redis without a password or with the contract's (--requirepass), and give it to the other services."
        ),
    ),
    # -- a cache
    "cache-key-missing": Reason(
        title=msg("The value is not in Redis"),
        why=msg(
            "A cache is filled on a miss, under the key of the contract; what is not there is read again each time."
        ),
        hint=msg("Look with redis-cli --scan after a request: is the key there, and is it spelled as in the contract?"),
    ),
    "ttl-missing": Reason(
        title=msg("A cached key never expires"),
        why=msg("Without a time to live a wrong value stays for ever, and Redis fills up."),
        hint=msg("Write value and time in one command: SET key value EX seconds (setEx); SET alone clears the time."),
    ),
    "ttl-wrong": Reason(
        title=msg("A cached key has another time to live"),
        why=msg("The time to live is how long a stale value may be seen; others rely on the contract's."),
        hint=msg("EX counts seconds, PX milliseconds. Look at redis-cli ttl right after the request."),
    ),
    "ttl-sliding": Reason(
        title=msg("Reading prolongs a cached key"),
        why=msg("A value that is read often is then never fetched again, however old it is."),
        hint=msg("Set the time when you write the value, and not again on a hit (no EXPIRE, no GETEX)."),
    ),
    "hit-reads-database": Reason(
        title=msg("A hit asks the database all the same"),
        why=msg("A cache is there to spare the database; with a query on each hit it only costs."),
        hint=msg("Return at once when Redis has the value; the statements below are from PostgreSQL's own log."),
    ),
    "hit-writes-database": Reason(
        title=msg("A hit writes into the database"),
        why=msg(
            "A cache is there to spare the database; a write on each hit costs it more than the query that is saved."
        ),
        hint=msg("Count or note reads in Redis (INCR), if at all; the statements below are from PostgreSQL's own log."),
    ),
    "miss-without-database": Reason(
        title=msg("A miss does not ask the database"),
        why=msg(
            "When the key is gone the row has to be read anew; otherwise a copy somewhere else is never refreshed."
        ),
        hint=msg("Is there a copy in the process (a Map, a module variable) beside Redis?"),
    ),
    "miss-reads-often": Reason(
        title=msg("A miss asks the database more than once"),
        why=msg("One row needs one query."),
        hint=msg("The statements below are from PostgreSQL's own log: which one is too many?"),
    ),
    "stale-value": Reason(
        title=msg("An old value is shown"),
        why=msg("After a write everybody must see what was written, whichever replica answers."),
        hint=msg(
            "Delete or overwrite the key in Redis after the database has committed, and keep no copy in the process."
        ),
    ),
    "wrong-row": Reason(
        title=msg("Somebody else's row is answered"),
        why=msg("Each id has its own row and its own key."),
        hint=msg("Is the id in the key, and does a request keep its variables to itself?"),
    ),
    "stampede": Reason(
        title=msg("Everybody asks the database at once"),
        why=msg("When a popular key expires, each request that misses it becomes a query, all at the same moment."),
        hint=msg("Let requests for the same id in one process wait for the first one's query (single flight)."),
    ),
}

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
            "Start Redis without a password or with --requirepass mi_password, and give it to the other services."
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
    "refreshed-early": Reason(
        title=msg("A key is read again before it expires"),
        why=msg("While the key lives the database has nothing to do; who renews it early asks for what is there."),
        hint=msg("Do not look at the time to live on a hit: read the row when the key is gone, and not before."),
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
    # -- an API with a cache
    "row-differs": Reason(
        title=msg("The answer is not the row"),
        why=msg("Clients get the same object whether it comes from the database or from the cache."),
        hint=msg("Answer {id, name, email} with a numeric id: one row, not the driver's whole result object."),
    ),
    "null-differs": Reason(
        title=msg("A NULL does not stay a null"),
        why=msg('What is not known (null) is something else than what is empty (""), wherever the row comes from.'),
        hint=msg(
            "A Redis hash holds texts only: leave out the fields that are NULL, and answer null for those that are not"
            " there; or keep JSON."
        ),
    ),
    "hit-not-from-redis": Reason(
        title=msg("A hit does not come from Redis"),
        why=msg("A copy in the process is another one in each replica, and nobody can expire or delete it."),
        hint=msg("Keep no Map or module variable beside Redis; read the key on every request."),
    ),
    "unknown-user-answer": Reason(
        title=msg("An unknown id is not answered as such"),
        why=msg("Clients tell a missing user (404) from a broken service (500) by the code."),
        hint=msg("Look at the number of rows before you cache or answer; JSON.stringify(undefined) is not a text."),
    ),
    "unknown-user-cached": Reason(
        title=msg("A user that does not exist is cached as one"),
        why=msg("Once somebody makes that user, the cache still says that there is none."),
        hint=msg("Cache only rows; remember unknown ids under another key and for a short time, if at all."),
    ),
    "unknown-never-forgotten": Reason(
        title=msg("That an id is unknown is not forgotten"),
        why=msg("A user that somebody has made meanwhile stays away for as long as others ask for it."),
        hint=msg(
            "Remember it when the database has said so, with a short time to live, and never on a 404 that comes from"
            " that memory (or from a lease): asking must not prolong it."
        ),
    ),
    "unknown-outlives-write": Reason(
        title=msg("After a PUT the id is still unknown"),
        why=msg("The database has the row, and whoever has just changed it gets a 404."),
        hint=msg("Let PUT ask the database, and forget that the id was unknown once the change is committed."),
    ),
    "put-fields-unchecked": Reason(
        title=msg("A PUT without its fields is accepted"),
        why=msg("A field that is misspelled is then lost, or goes where nobody meant it to, and nobody is told."),
        hint=msg(
            "Demand name and email, spelled exactly so. Some libraries take names in any case: Go's encoding/json into"
            " a struct, ASP.NET, Jackson with ACCEPT_CASE_INSENSITIVE_PROPERTIES."
        ),
    ),
    "write-refused": Reason(
        title=msg("A write is not accepted"),
        why=msg("PUT is how users change; without it nothing can be invalidated."),
        hint=msg("Send the request with curl -X PUT and a JSON body, and read the API's log."),
    ),
    "invalidated-before-commit": Reason(
        title=msg("The cache keeps the old row after a write"),
        why=msg("Who reads between the deletion and the commit puts the old row back, for its whole time to live."),
        hint=msg("First UPDATE and COMMIT, then delete or overwrite the key."),
    ),
    "shown-before-commit": Reason(
        title=msg("A change is shown before it is committed"),
        why=msg("If the transaction fails, everybody has read, and the cache keeps, a row that never was."),
        hint=msg("First UPDATE and COMMIT, then delete or overwrite the key."),
    ),
    "redis-outage-breaks-api": Reason(
        title=msg("Without Redis the API does not answer"),
        why=msg("A cache makes things faster; it must not be able to bring the service down."),
        hint=msg("Catch Redis' errors, give its commands a short time limit, and read the database instead."),
    ),
    "cache-not-resumed": Reason(
        title=msg("The cache is not used again"),
        why=msg("After a short outage of Redis every request goes to the database for ever."),
        hint=msg("Let the client reconnect without giving up, and do not remember that Redis was away."),
    ),
}

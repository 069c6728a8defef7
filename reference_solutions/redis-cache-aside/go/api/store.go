package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"
)

var errUnknown = errors.New("no such user")

// What is NULL in the table is null in the answer, whether it comes from the table or from the cache.
type user struct {
	ID    int32   `json:"id"`
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

type store struct {
	pool    *pgxpool.Pool
	cache   *cache
	flights singleflight.Group
}

// find returns the cached user, or reads the row and caches it; of many that ask at once, one reads.
func (s *store) find(ctx context.Context, id int32) (user, error) {
	if cached, ok := s.cache.get(ctx, id); ok {
		return cached, nil
	}
	value, err, _ := s.flights.Do(flight(id), func() (any, error) {
		// Others wait for this answer too: it does not end with the request that happened to come first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
		defer cancel()
		found, err := s.read(ctx, id)
		if err == nil {
			s.cache.set(ctx, found)
		}
		return found, err
	})
	found, _ := value.(user)
	return found, err
}

func (s *store) read(ctx context.Context, id int32) (user, error) {
	rows, err := s.pool.Query(ctx, "SELECT id, name, email FROM users WHERE id = $1", id)
	if err != nil {
		return user{}, err
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[user])
	if errors.Is(err, pgx.ErrNoRows) {
		return user{}, errUnknown
	}
	return found, err
}

// update writes the row, and only then, when it is committed, drops the copy.
func (s *store) update(ctx context.Context, changed user) (user, error) {
	tag, err := s.pool.Exec(ctx,
		"UPDATE users SET name = $2, email = $3 WHERE id = $1", changed.ID, changed.Name, changed.Email)
	if err != nil {
		return user{}, err
	}
	if tag.RowsAffected() == 0 {
		return user{}, errUnknown
	}
	s.flights.Forget(flight(changed.ID))
	s.cache.remove(ctx, changed.ID)
	return changed, nil
}

func flight(id int32) string { return fmt.Sprint(id) }

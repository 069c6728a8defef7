// An API of users: PostgreSQL is the truth, Redis a copy that lives for 300 s.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const queryTimeout = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	cache, err := newCache(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer cache.close()
	store := &store{pool: pool, cache: cache}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		if err := pool.Ping(r.Context()); err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]any{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{"ok": true})
	})
	mux.HandleFunc("GET /api/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		withID(w, r, func(ctx context.Context, id int32) (any, error) { return store.find(ctx, id) })
	})
	mux.HandleFunc("PUT /api/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		// A map, since into a struct the fields would go whatever the case of their names.
		var change map[string]any
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&change)
		name, hasName := change["name"].(string)
		email, hasEmail := change["email"].(string)
		if err != nil || !hasName || !hasEmail {
			answer(w, http.StatusBadRequest, map[string]any{"error": "the body must be {name, email}"})
			return
		}
		withID(w, r, func(ctx context.Context, id int32) (any, error) {
			return store.update(ctx, user{ID: id, Name: &name, Email: &email})
		})
	})

	server := &http.Server{Addr: ":3000", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// withID answers with what do returns for the id in the path: a row, errUnknown (404), or a failure (500).
func withID(w http.ResponseWriter, r *http.Request, do func(context.Context, int32) (any, error)) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 32)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "the id must be an integer"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	value, err := do(ctx, int32(id))
	switch {
	case errors.Is(err, errUnknown):
		answer(w, http.StatusNotFound, map[string]any{"error": err.Error()})
	case err != nil:
		log.Print(err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
	default:
		answer(w, http.StatusOK, value)
	}
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	timeToLive   = 300 * time.Second
	cacheTimeout = 400 * time.Millisecond
)

// cache is a copy that may be away: a get that fails is a miss, and no call takes longer than cacheTimeout.
type cache struct{ client *redis.Client }

func newCache(url string) (*cache, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.MaxRetries = -1
	options.DialTimeout = cacheTimeout
	options.ReadTimeout = cacheTimeout
	options.WriteTimeout = cacheTimeout
	options.ContextTimeoutEnabled = true
	return &cache{client: redis.NewClient(options)}, nil
}

func (c *cache) get(ctx context.Context, id int32) (user, bool) {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	text, err := c.client.Get(ctx, key(id)).Bytes()
	if err != nil {
		if !errors.Is(err, redis.Nil) {
			log.Print("redis: ", err)
		}
		return user{}, false
	}
	var found user
	if err := json.Unmarshal(text, &found); err != nil {
		return user{}, false
	}
	return found, true
}

func (c *cache) set(ctx context.Context, u user) {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	text, err := json.Marshal(u)
	if err == nil {
		err = c.client.Set(ctx, key(u.ID), text, timeToLive).Err()
	}
	if err != nil {
		log.Print("redis: ", err)
	}
}

func (c *cache) remove(ctx context.Context, id int32) {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	if err := c.client.Unlink(ctx, key(id)).Err(); err != nil {
		log.Print("redis: ", err)
	}
}

func (c *cache) close() { _ = c.client.Close() }

func key(id int32) string { return fmt.Sprintf("user:%d", id) }

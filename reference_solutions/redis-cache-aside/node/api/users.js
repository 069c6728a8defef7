// Users, read through the cache: PostgreSQL is the truth, Redis a copy that lives for 300 s.
import pg from 'pg'
import * as cache from './cache.js'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
pool.on('error', (error) => console.error('db:', error.message))

const loading = new Map()

async function load(id) {
  const { rows } = await pool.query('SELECT id, name, email FROM users WHERE id = $1', [id])
  if (rows.length === 0) return null
  await cache.set(rows[0])
  return rows[0]
}

// Whoever asks for a user that is being read already waits for that answer.
function loadOnce(id) {
  let pending = loading.get(id)
  if (!pending) {
    pending = load(id).finally(() => {
      if (loading.get(id) === pending) loading.delete(id)
    })
    loading.set(id, pending)
  }
  return pending
}

export async function find(id) {
  return (await cache.get(id)) ?? loadOnce(id)
}

export async function update(id, { name, email }) {
  const { rowCount } = await pool.query('UPDATE users SET name = $2, email = $3 WHERE id = $1', [id, name, email])
  if (rowCount === 0) return false
  // The row is committed: from now on nobody may get the old one.
  loading.delete(id)
  await cache.remove(id)
  return true
}

export async function ready() {
  await pool.query('SELECT 1')
}

export async function close() {
  await pool.end()
}

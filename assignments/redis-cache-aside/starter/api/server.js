// Un punto de partida: responde desde la base de datos, sin caché. / A start: it answers from the database, uncached.
import express from 'express'
import pg from 'pg'

const app = express()
app.use(express.json())
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })

app.get('/health', (request, response) => response.json({ ok: true }))

app.get('/api/users/:id', async (request, response) => {
  const { rows } = await pool.query('SELECT id, name, email FROM users WHERE id = $1', [request.params.id])
  response.json(rows[0])
})

// TODO: la caché en Redis, PUT /api/users/:id, los ids que no existen… / the cache, the PUT, ids that do not exist…

app.listen(3000)

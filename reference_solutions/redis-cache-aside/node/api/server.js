import express from 'express'
import * as cache from './cache.js'
import * as users from './users.js'

const app = express()
app.use(express.json())

const MAX_ID = 2 ** 31 - 1

app.get('/health', async (request, response) => {
  try {
    await users.ready()
    response.json({ ok: true })
  } catch {
    response.status(503).json({ ok: false })
  }
})

app.param('id', (request, response, next, text) => {
  const id = Number(text)
  if (!/^\d{1,10}$/.test(text) || id > MAX_ID) return response.status(400).json({ error: 'the id must be an integer' })
  request.id = id
  next()
})

app.get('/api/users/:id', async (request, response) => {
  const user = await users.find(request.id)
  if (!user) return response.status(404).json({ error: 'no such user' })
  response.json(user)
})

app.put('/api/users/:id', async (request, response) => {
  const { name, email } = request.body ?? {}
  if (typeof name !== 'string' || typeof email !== 'string') {
    return response.status(400).json({ error: 'the body must be {name, email}' })
  }
  if (!(await users.update(request.id, { name, email }))) return response.status(404).json({ error: 'no such user' })
  response.status(204).end()
})

app.use((error, request, response, next) => {
  console.error(error.message)
  response.status(error.status ?? 500).json({ error: error.message })
})

const server = app.listen(3000)

process.on('SIGTERM', () => {
  server.close(async () => {
    await Promise.allSettled([users.close(), cache.close()])
    process.exit(0)
  })
  server.closeIdleConnections()
})

// The cache may be away, slow or empty: nothing here throws, and nothing waits longer than TIMEOUT_MS.
import { createClient } from 'redis'

const TTL_S = 300
const TIMEOUT_MS = 500

const client = createClient({
  url: process.env.REDIS_URL,
  // Without a connection a command fails at once instead of waiting for one.
  disableOfflineQueue: true,
  socket: {
    connectTimeout: 2000,
    reconnectStrategy: (retries) => Math.min(100 * (retries + 1), 2000),
  },
})
let last = ''
client.on('error', (error) => {
  if (error.message !== last) console.error('redis:', error.message)
  last = error.message
})
client.on('ready', () => { last = '' })
client.connect().catch((error) => console.error('redis:', error.message))

const keyOf = (id) => `user:${id}`

async function attempt(command) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis does not answer')), TIMEOUT_MS)
  })
  try {
    return await Promise.race([command(), late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

export async function get(id) {
  const text = await attempt(() => client.get(keyOf(id)))
  return text === null ? null : JSON.parse(text)
}

export async function set(user) {
  await attempt(() => client.set(keyOf(user.id), JSON.stringify(user), { EX: TTL_S }))
}

export async function remove(id) {
  await attempt(() => client.del(keyOf(id)))
}

export async function close() {
  client.destroy()
}

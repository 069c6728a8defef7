// La API: recibe tareas por HTTP y las pone en la cola «tasks».
// The API: receives tasks over HTTP and puts them on queue "tasks".
import { createServer } from 'node:http'
import amqp from 'amqplib'

// Aquí: el broker puede llegar tarde o reiniciarse; una sola conexión al principio no basta.
// Here: the broker may be late or restart; one connection at the beginning is not enough.
const connection = await amqp.connect(process.env.RABBITMQ_URL)
connection.on('error', (error) => console.error('connection:', error.message))
console.log('connected to RabbitMQ')

const server = createServer((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  if (request.method === 'GET' && request.url === '/health') {
    return answer(200, { ok: true })
  }

  if (request.method === 'POST' && request.url === '/tasks') {
    // Aquí: leer el cuerpo, comprobar que es una tarea {id, duration_ms, fail?}, publicarla persistente
    // con todos sus campos y responder 202 solo cuando RabbitMQ haya confirmado que la guardó.
    // Here: read the body, see that it is a task {id, duration_ms, fail?}, publish it persistent
    // with all of its fields, and answer 202 only when RabbitMQ has confirmed that it is stored.
    return answer(501, { error: 'todavía no sé guardar tareas / I cannot store tasks yet' })
  }

  answer(404, { error: 'no existe / not found' })
})

server.listen(3000, () => console.log('listening on port 3000'))

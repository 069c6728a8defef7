// La API: recibe tareas por HTTP y las pone en la cola «tasks».
import { createServer } from 'node:http'
import amqp from 'amqplib'

// Aquí: el broker puede llegar tarde o reiniciarse; una sola conexión al principio no basta.
const connection = await amqp.connect(process.env.RABBITMQ_URL)
connection.on('error', (error) => console.error('conexión:', error.message))
console.log('conectada con RabbitMQ')

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
    // y responder 202 solo cuando RabbitMQ haya confirmado que la guardó.
    return answer(501, { error: 'todavía no sé guardar tareas' })
  }

  answer(404, { error: 'no existe' })
})

server.listen(3000, () => console.log('escuchando en el puerto 3000'))

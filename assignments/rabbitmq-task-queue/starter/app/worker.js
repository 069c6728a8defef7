// El worker: toma una tarea de la cola «tasks», la hace y la informa en la cola «results».
import { hostname } from 'node:os'
import amqp from 'amqplib'

// Aquí: lo mismo que en la API, ¿qué pasa si RabbitMQ todavía no está, o se reinicia?
const connection = await amqp.connect(process.env.RABBITMQ_URL)
connection.on('error', (error) => console.error('conexión:', error.message))

const channel = await connection.createChannel()
console.log(`worker ${hostname()} conectado`)

// Aquí: declarar las tres colas durables y tomar las tareas de una en una.
//
// Por cada mensaje:
// 1. ¿Es una tarea? Si está mal formado, termina tal cual en «tasks.dead»; el worker sigue.
// 2. Esperar duration_ms: eso es el trabajo.
// 3. Si fail es true, también a «tasks.dead».
// 4. Si no, publicar { id, worker: hostname() }, persistente, en «results».
// 5. Y solo entonces, confirmar (ack).
//
// Aquí: SIGTERM («docker stop») avisa 10 s antes. ¿Qué pasa con la tarea que está a medias?
process.on('SIGTERM', () => channel.close().then(() => process.exit(0)))

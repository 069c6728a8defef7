// El worker: toma una tarea de la cola «tasks», la hace y publica el resultado en la cola «results».
// The worker: takes a task from queue "tasks", does it, and publishes the result to queue "results".
import { hostname } from 'node:os'
import amqp from 'amqplib'

// Aquí: «docker stop» envía SIGTERM y espera 10 s. ¿Qué pasa con la tarea que está a medias?
// Here: "docker stop" sends SIGTERM and waits for 10 s. What becomes of the task that is half done?
// Antes de conectar: como PID 1, un proceso sin este manejador no hace caso a SIGTERM.
// Before connecting: as PID 1, a process without this handler ignores SIGTERM.
process.on('SIGTERM', () => process.exit(0))

// Aquí: lo mismo que en la API, ¿qué pasa si RabbitMQ todavía no está, o se reinicia?
// Here: as in the API, what happens if RabbitMQ is not there yet, or restarts?
const connection = await amqp.connect(process.env.RABBITMQ_URL)
connection.on('error', (error) => console.error('connection:', error.message))

const channel = await connection.createChannel()
console.log(`worker ${hostname()} connected`)

// Aquí: declarar las tres colas durables y tomar las tareas de una en una.
// Here: declare the three durable queues, and take tasks one at a time.
//
// Por cada mensaje:
// 1. ¿Es una tarea? Si está mal formado, termina tal cual en «tasks.dead»; el worker sigue.
// 2. Esperar duration_ms: eso es el trabajo.
// 3. Si fail es true, también a «tasks.dead».
// 4. Si no, publicar { id, worker: hostname() }, persistente, en «results».
// 5. Y solo entonces, confirmar (ack).
//
// For each message:
// 1. Is it a task? If it is malformed, it ends up as it is in "tasks.dead"; the worker goes on.
// 2. Wait for duration_ms: that is the work.
// 3. If fail is true, to "tasks.dead" as well.
// 4. If not, publish { id, worker: hostname() }, persistent, to "results".
// 5. And only then acknowledge (ack).

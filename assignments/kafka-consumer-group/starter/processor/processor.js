// Un miembro del grupo «user-service»: recibe eventos del topic «user-events» y los apunta en la tabla «processed».
import { hostname } from 'node:os'
import { Kafka } from 'kafkajs'
import pg from 'pg'

const kafka = new Kafka({ clientId: hostname(), brokers: process.env.KAFKA_BROKERS.split(',') })
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('base de datos:', error.message))

// Aquí: ¿y si Kafka todavía no responde? ¿Y quién crea el topic, con cuántas particiones?
const consumer = kafka.consumer({ groupId: 'user-service' })
await consumer.connect()

// Aquí: suscribirse al topic «user-events». ¿Dónde empieza un grupo que todavía no ha confirmado nada?
//
// Por cada evento:
// 1. ¿Es un evento {eventId, userId, seq, duration_ms}? Lo mal formado, también un valor null, se salta.
// 2. Esperar duration_ms: eso es el trabajo.
// 3. Escribir su fila en «processed», con hostname() en processed_by. Una repetición deja la fila como está.
// 4. Y solo entonces puede confirmarse su offset. ¿Y si la base de datos no responde?
console.log(`processor ${hostname()} conectado; todavía no procesa nada`)

// Aquí: SIGTERM («docker stop») avisa 10 s antes. ¿Qué pasa con las particiones de este miembro?

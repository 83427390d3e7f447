import { redisEngine } from '../../src/tasks/index.ts'
import { useRedis } from '../services.ts'
import { tasksConformance } from './tasks.ts'

const { url, prefix } = useRedis()

tasksConformance('tasks on Redis', async () => ({
  createEngine: () => redisEngine({ url, prefix: prefix.slice(0, -1), leaseMs: 2_000 }),
  close: async () => {},
}))

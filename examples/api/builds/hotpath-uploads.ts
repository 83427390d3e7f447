import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { HotpathError } from 'hotpath'
import { taskRoutes } from 'hotpath/fastify'
import type { PostgresPool } from 'hotpath/postgres'
import { createTasks, createUploadStore, sqliteEngine, type UploadReference } from 'hotpath/tasks'
import { ApiError } from '../api/errors.ts'
import { takeStreams } from '../api/uploads.ts'
import { addFile } from '../data/add-file.ts'
import { settings } from '../settings.ts'

/** Uploads that are on the disk when they are answered, and added to the site by a task. */
export async function addUploads(
  app: FastifyInstance,
  pool: PostgresPool,
  folder: string,
): Promise<void> {
  const { maxUploadBytes: maxBytes } = settings
  const uploads = createUploadStore({
    folder: join(folder, 'uploads'),
    maxBytes,
    maxAgeMs: settings.maxUploadAgeMs,
  })
  const tasks = createTasks({ engine: sqliteEngine({ file: join(folder, 'tasks.db') }) })
  const add = tasks.define('add-file', {
    concurrency: 1,
    timeoutMs: false,
    async run(upload: UploadReference, { id, signal, progress }) {
      const path = uploads.pathOf(upload)
      const rows = await addFile({ path, taskId: id }, { pool, signal, onProgress: progress })
      await uploads.delete(upload)
      return rows
    },
  })

  const routes = taskRoutes(tasks)
  await app.register(routes)
  takeStreams(app)
  app.post('/process-upload/', async (request, reply) => {
    const byteLength = Number(request.headers['content-length'])
    const upload = await uploads
      .receive(request.body as Readable, Number.isNaN(byteLength) ? {} : { byteLength })
      .catch((error: unknown) => {
        throw refused(error)
      })
    const { id } = await add.enqueue(upload)
    return routes.accept(reply, id)
  })

  app.addHook('onClose', async () => {
    await tasks.close()
    await uploads.close()
  })
  await tasks.start()
}

function refused(error: unknown): unknown {
  const code = error instanceof HotpathError ? error.code : undefined
  if (code === 'HOTPATH_TASKS_UPLOAD_TOO_LARGE') {
    return new ApiError(413, `An upload may have ${settings.maxUploadBytes} bytes.`)
  }
  if (code === 'HOTPATH_TASKS_UPLOAD_DISK_FULL') {
    return new ApiError(507, 'There is no room for the upload.')
  }
  return error
}

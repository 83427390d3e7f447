import { randomUUID } from 'node:crypto'

/**
 * pg-boss and BullMQ find a task by its queue and its key. So the id carries both: the name of the
 * task, and a UUID with its 122 random bits, which has no dot.
 */
export interface TaskId {
  readonly name: string
  readonly uuid: string
}

const uuidShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const nameShape = /^[\w.-]{1,100}$/

export function newTaskUuid(): string {
  return randomUUID()
}

export function writeTaskId({ name, uuid }: TaskId): string {
  return `${name}.${uuid}`
}

/** Undefined for what is no id of ours: ids come from URLs. */
export function readTaskId(id: string): TaskId | undefined {
  const dot = id.lastIndexOf('.')
  const name = id.slice(0, Math.max(dot, 0))
  const uuid = id.slice(dot + 1)
  return uuidShape.test(uuid) && nameShape.test(name) ? { name, uuid } : undefined
}

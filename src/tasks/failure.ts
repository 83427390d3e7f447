import { inspect } from 'node:util'
import type { TaskFailure } from './engine.ts'

const maxMessageLength = 4_000
const maxStackLength = 8_000

/** What is stored of whatever a handler threw. */
export function describeFailure(thrown: unknown): TaskFailure {
  if (!(thrown instanceof Error)) {
    const message = `threw ${inspect(thrown, { depth: 1, maxStringLength: 1_000, breakLength: Infinity })}, which is no Error`
    return {
      name: 'Error',
      message: cut(message, maxMessageLength),
      code: undefined,
      stack: undefined,
    }
  }
  const { name, message, stack } = thrown
  const { code } = thrown as { code?: unknown }
  return {
    name,
    message: cut(message, maxMessageLength),
    code: typeof code === 'string' ? code : undefined,
    stack: typeof stack === 'string' ? cut(stack, maxStackLength) : undefined,
  }
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
}

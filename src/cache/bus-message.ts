import { randomBytes } from 'node:crypto'

// A message is the sender's id, one character for the kind, and what it is about as JSON.

/** What is told of keys or tags. */
export type NoticeKind = 'written' | 'invalidated' | 'expired'

/** One key or tag, and what happened to it. */
export interface Notice {
  readonly kind: NoticeKind
  readonly name: string
}

/** What a message says. `flush`: more happened than can be told, so nothing is to be believed. */
export type BusMessage =
  | { readonly kind: NoticeKind; readonly names: readonly string[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'ping'; readonly sentMs: number }

const senderLength = 12
/** A name has at most 2,048 characters, so that a message is never of a size to hold others up. */
const maxNames = 200
const signs = { written: 'w', invalidated: 'i', expired: 'e' } as const
const kinds = new Map<string, NoticeKind>([
  ['w', 'written'],
  ['i', 'invalidated'],
  ['e', 'expired'],
])

export function newSender(): string {
  return randomBytes((senderLength * 3) / 4).toString('base64url')
}

/** As few messages as tell it all. */
export function noticeMessages(sender: string, notices: readonly Notice[]): string[] {
  const messages: string[] = []
  for (const kind of kinds.values()) {
    const names = notices.filter((notice) => notice.kind === kind).map(({ name }) => name)
    for (let at = 0; at < names.length; at += maxNames) {
      messages.push(sender + signs[kind] + JSON.stringify(names.slice(at, at + maxNames)))
    }
  }
  return messages
}

export function flushMessage(sender: string): string {
  return `${sender}f`
}

export function pingMessage(sender: string, sentMs: number): string {
  return `${sender}p${sentMs}`
}

/** Whether a message is one's own: most are, and need not be parsed. */
export function isFrom(sender: string, payload: Buffer): boolean {
  return payload.toString('latin1', 0, senderLength) === sender
}

/** `undefined` for what nobody here has written. */
export function parseMessage(payload: Buffer): BusMessage | undefined {
  const sign = payload.toString('latin1', senderLength, senderLength + 1)
  const body = payload.toString('utf8', senderLength + 1)
  if (sign === 'f') return { kind: 'flush' }
  if (sign === 'p') return { kind: 'ping', sentMs: Number(body) }
  const kind = kinds.get(sign)
  const names = kind === undefined ? undefined : parseNames(body)
  return kind === undefined || names === undefined ? undefined : { kind, names }
}

function parseNames(text: string): readonly string[] | undefined {
  try {
    const names: unknown = JSON.parse(text)
    const areNames = Array.isArray(names) && names.every((name) => typeof name === 'string')
    return areNames ? names : undefined
  } catch {
    return undefined
  }
}

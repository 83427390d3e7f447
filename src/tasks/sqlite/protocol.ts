import type { DeadLetterQuery, NewTask, Outcome, StopReason, WorkSettings } from '../engine.ts'

// What the process and the thread that has the database say to each other. Both collect what they
// have while the other is busy, so that a message is a batch.

/** What the process asks for; each is answered once, under its number. */
export type Request = { readonly ref: number } & Question

/** Those that change the store. */
export type Write = Extract<
  Request,
  { readonly ask: 'enqueue' | 'cancel' | 'replay' | 'progress' | 'settle' }
>

export type Question =
  | { readonly ask: 'enqueue'; readonly id: string; readonly task: NewTask }
  | { readonly ask: 'find'; readonly id: string }
  | { readonly ask: 'cancel' | 'replay'; readonly id: string }
  | { readonly ask: 'deadLetters'; readonly query: DeadLetterQuery }
  | { readonly ask: 'work'; readonly settings: WorkSettings }
  | { readonly ask: 'rest'; readonly name: string }
  | {
      readonly ask: 'progress'
      readonly seq: number
      readonly claim: number
      readonly value: string
    }
  | {
      readonly ask: 'settle'
      readonly seq: number
      readonly claim: number
      readonly outcome: Outcome
      readonly effects: readonly Effect[]
      /** A thread that has ended was asked the same, and may have done it. */
      readonly isAgain: boolean
    }
  /** What this process had under way with a thread that has ended. */
  | ({ readonly ask: 'adopt' } & Adoption)
  /** From now on an outcome that the store refuses is told, and not tried again. */
  | { readonly ask: 'giveUp' }
  | { readonly ask: 'close' }

/** What a new thread takes over from one that has ended. */
export interface Adoption {
  readonly works: readonly WorkSettings[]
  readonly rows: readonly ClaimedRow[]
  readonly isGivingUp: boolean
}

/** A statement that is to take place together with the completion. */
export interface Effect {
  readonly sql: string
  readonly values: readonly SqliteValue[]
}

export type SqliteValue = null | number | bigint | string | Uint8Array

/** What the thread has to tell, in one message. */
export interface Report {
  /** It comes after a batch of requests, all of which have been dealt with or are kept for later. */
  readonly isReply: boolean
  readonly answers: readonly Answer[]
  readonly claims: readonly ClaimedRow[]
  readonly stops: readonly Stop[]
  readonly troubles: readonly { readonly operation: string; readonly error: StoreError }[]
}

export type Answer =
  | { readonly ref: number; readonly value: unknown; readonly error?: undefined }
  | { readonly ref: number; readonly error: StoreError }

/** A task that this process is to run. */
export interface ClaimedRow {
  readonly seq: number
  readonly claim: number
  readonly id: string
  readonly name: string
  readonly input: string
  readonly attempt: number
  readonly enqueuedMs: number
}

/** An attempt that nobody waits for any more. */
export interface Stop {
  readonly seq: number
  readonly claim: number
  readonly reason: StopReason
}

/** An error of SQLite or of the thread, as far as it can be told. */
export interface StoreError {
  readonly message: string
  /** The result code of SQLite, such as 13 for a full disk. */
  readonly sqliteCode: number | undefined
  readonly stack: string | undefined
}

/** What the thread needs to begin. */
export interface ThreadData {
  readonly file: string
  readonly leaseMs: number
  readonly pollMs: number
  readonly lockTimeoutMs: number
}

/**
 * A batch as it is sent. JSON is copied between threads at about half the price of objects; what it
 * cannot say, such as the bytes that an effect may carry, goes as it is.
 */
export type Packed<T> = string | T

export function packRequests(batch: readonly Request[]): Packed<readonly Request[]> {
  const hasEffects = batch.some((request) => request.ask === 'settle' && request.effects.length > 0)
  return hasEffects ? batch : JSON.stringify(batch)
}

export function unpack<T>(packed: Packed<T>): T {
  return typeof packed === 'string' ? (JSON.parse(packed) as T) : packed
}

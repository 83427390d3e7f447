import { inspect } from 'node:util'
import { HotpathError } from '../core/index.ts'

/**
 * One step on the way to the place of a call: a primitive of the arguments, or a mark that no
 * argument can be. Steps are compared with `===`.
 */
export type Step = string | number | bigint | boolean | symbol | null | undefined

// To `===` NaN is not itself, and to a Map and to `===` 0 and -0 are one; to `1 / x` they are not.
const notANumber = Symbol('NaN')
const minusZero = Symbol('-0')
const array = Symbol('[]')
const object = Symbol('{}')
const date = Symbol('Date')
const map = Symbol('Map')
const set = Symbol('Set')
const bytes = Symbol('bytes')

/** A list that keeps its room when it is emptied, as an array does not. */
export class StepList {
  readonly items: Step[] = []
  length = 0

  push(step: Step): void {
    this.items[this.length++] = step
  }
}

/** Deeper than data is; an object that contains itself gets there. */
const maxDepth = 100

/** The step of a primitive; undefined for what has more than one step or none, and for undefined. */
export function stepOf(value: unknown): Step {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      return stepOfNumber(value)
    case 'object':
    case 'undefined':
    case 'function':
    case 'symbol':
      return value === null ? null : undefined
  }
}

/**
 * Appends the steps of all arguments of a call: the same for calls that a pure function answers
 * alike, others for all others. What has parts says first how many.
 */
export function appendSteps(args: readonly unknown[], steps: StepList): void {
  for (const [index, value] of args.entries()) append(value, index, 0, steps)
}

function append(value: unknown, index: number, depth: number, steps: StepList): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      steps.push(value)
      return
    case 'number':
      steps.push(stepOfNumber(value))
      return
    case 'object':
      if (value === null) steps.push(null)
      else appendObject(value, index, depth + 1, steps)
      return
    case 'function':
    case 'symbol':
      refuse(value, index)
  }
}

function stepOfNumber(value: number): Step {
  if (value === 0) return Object.is(value, -0) ? minusZero : 0
  return Number.isNaN(value) ? notANumber : value
}

function appendObject(value: object, index: number, depth: number, steps: StepList): void {
  if (depth > maxDepth) refuse(value, index)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    appendProperties(value as Record<string, unknown>, index, depth, steps)
  } else if (Array.isArray(value)) {
    steps.push(array)
    steps.push(value.length)
    for (const item of value) append(item, index, depth, steps)
  } else if (value instanceof Date) {
    steps.push(date)
    steps.push(stepOfNumber(value.getTime()))
  } else if (value instanceof Map) {
    steps.push(map)
    steps.push(value.size)
    for (const [key, item] of value) {
      append(key, index, depth, steps)
      append(item, index, depth, steps)
    }
  } else if (value instanceof Set) {
    steps.push(set)
    steps.push(value.size)
    for (const item of value) append(item, index, depth, steps)
  } else if (value instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value
    steps.push(bytes)
    steps.push(Buffer.from(buffer, byteOffset, byteLength).toString('latin1'))
  } else {
    refuse(value, index)
  }
}

// The names come first, so that objects made in one place share the way up to their values.
function appendProperties(
  properties: Readonly<Record<string, unknown>>,
  index: number,
  depth: number,
  steps: StepList,
): void {
  if (Object.getOwnPropertySymbols(properties).length > 0) refuse(properties, index)
  const names = Object.keys(properties)
  // Most objects are made in one place and have their names in one order, often this one.
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] as string) > (names[at] as string)) {
      names.sort()
      break
    }
  }
  steps.push(object)
  steps.push(names.length)
  for (const name of names) steps.push(name)
  for (const name of names) append(properties[name], index, depth, steps)
}

function refuse(value: unknown, index: number): never {
  const shown = inspect(value, { depth: 0, maxStringLength: 60, breakLength: Infinity })
  throw new HotpathError(
    'HOTPATH_MEMO_KEY_INVALID',
    `argument ${index + 1} of a memoised function holds ${shown}, which has no stable key: give ` +
      'memoize a `key` function that names what the result depends on, or pass plain data',
  )
}

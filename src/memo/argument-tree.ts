import { approximateBytes } from './approximate-bytes.ts'
import { appendSteps, StepList, stepOf, type Step } from './argument-steps.ts'
import { hashOf, mix, type CallKey } from './store-key.ts'

/** Where the way through the arguments of a call leads to. */
export class KeyNode {
  readonly parent: KeyNode | undefined
  readonly step: Step
  readonly hash: number
  /** The place of the call's result in the store. */
  slot = 0
  /** Calls and runs under way that will want to find the node where it is. */
  holders = 0
  /** Most nodes have one child, which is found by a comparison. */
  child: KeyNode | undefined = undefined
  children: Map<Step, KeyNode> | undefined = undefined

  constructor(parent: KeyNode | undefined, step: Step) {
    this.parent = parent
    this.step = step
    this.hash = parent === undefined ? 1 : mix(parent.hash, hashOf(step))
  }
}

// What V8 takes for a node and its place in a Map, on a 64-bit machine.
const nodeBytes = 128

// Steps of the call that is being looked up. It is lent out, because a getter may call a memoised
// function of its own, and given up where it has grown large, because it keeps what it holds alive.
const keptSteps = 64
let spareSteps: StepList | undefined = undefined

/**
 * Finds the calls of one function by their arguments. A call with a single primitive has that for a
 * key; all others have a node of a tree that is descended argument by argument, and into objects
 * part by part: nothing is put together to be looked up.
 *
 * Nodes that lead to nothing are removed: whoever leaves a node without result calls `prune`.
 */
export class ArgumentTree {
  readonly #root = new KeyNode(undefined, undefined)

  /** The key of a call, made where it is new. @throws HotpathError HOTPATH_MEMO_KEY_INVALID */
  reach(args: readonly unknown[]): CallKey {
    return this.#find(args) ?? (this.#descend(args, true) as CallKey)
  }

  /** The key of a call, unless it is surely new. @throws HotpathError HOTPATH_MEMO_KEY_INVALID */
  find(args: readonly unknown[]): CallKey | undefined {
    return this.#find(args) ?? this.#descend(args, false)
  }

  /** Keeps the node where it is until it is released. */
  hold(key: CallKey): void {
    if (typeof key === 'object') key.holders++
  }

  release(key: CallKey): void {
    if (typeof key !== 'object') return
    key.holders--
    this.prune(key)
  }

  /** Removes the node if it leads to nothing, and with it those above that only led to it. */
  prune(key: CallKey): void {
    if (typeof key !== 'object') return
    let node = key
    while (node.parent !== undefined && leadsNowhere(node)) {
      removeChild(node.parent, node)
      node = node.parent
    }
  }

  // What is asked for most: primitives that have been seen before.
  #find(args: readonly unknown[]): CallKey | undefined {
    if (args.length === 1) {
      const step = stepOf(args[0])
      if (step !== null && step !== undefined && typeof step !== 'symbol') return step
    }
    let node: KeyNode | undefined = this.#root
    for (let index = 0; index < args.length; index++) {
      const step = stepOf(args[index])
      if (step === undefined) return undefined
      node = childOf(node, step)
      if (node === undefined) return undefined
    }
    return node
  }

  #descend(args: readonly unknown[], isMade: boolean): CallKey | undefined {
    const steps = spareSteps ?? new StepList()
    spareSteps = undefined
    steps.length = 0
    appendSteps(args, steps)
    let node: KeyNode | undefined = this.#root
    for (let at = 0; at < steps.length && node !== undefined; at++) {
      const step = steps.items[at]
      node = childOf(node, step) ?? (isMade ? addChild(node, step) : undefined)
    }
    if (steps.length <= keptSteps) spareSteps = steps
    return node
  }
}

function childOf({ child, children }: KeyNode, step: Step): KeyNode | undefined {
  if (children !== undefined) return children.get(step)
  return child !== undefined && child.step === step ? child : undefined
}

function addChild(parent: KeyNode, step: Step): KeyNode {
  const node = new KeyNode(parent, step)
  const { child, children } = parent
  if (children !== undefined) {
    children.set(step, node)
  } else if (child === undefined) {
    parent.child = node
  } else {
    parent.children = new Map([
      [child.step, child],
      [step, node],
    ])
    parent.child = undefined
  }
  return node
}

function removeChild(parent: KeyNode, { step }: KeyNode): void {
  parent.child = undefined
  parent.children?.delete(step)
  if (parent.children?.size === 0) parent.children = undefined
}

function leadsNowhere({ slot, holders, child, children }: KeyNode): boolean {
  return slot === 0 && holders === 0 && child === undefined && children === undefined
}

/** What a key takes in memory, approximately: of a node also what leads to it. */
export function bytesOfKey(key: CallKey): number {
  if (typeof key !== 'object') return approximateBytes(key)
  let bytes = 0
  for (let node: KeyNode | undefined = key; node.parent !== undefined; node = node.parent) {
    bytes += nodeBytes + approximateBytes(node.step)
  }
  return bytes
}

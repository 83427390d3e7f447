/** The kinds of component that hotpath makes. */
export type ComponentKind =
  | 'memo'
  | 'cache'
  | 'response-cache'
  | 'pool'
  | 'limiter'
  | 'shedder'
  | 'compressor'
  | 'batcher'
  | 'monitor'
  | 'budgets'
  | 'function'
  | 'tasks'
  | 'uploads'
  | 'workers'

/** One living component, as exporters and the doctor see it. */
export interface RegisteredComponent {
  readonly kind: ComponentKind
  /** Unique among the living components of its kind: a second `users` becomes `users-2`. */
  readonly name: string
  /** A snapshot of plain data, cheap enough to be read at every scrape. */
  stats(): object
}

// On globalThis, so that two copies of the package in one process (a duplicate in node_modules)
// still show up in one list.
const home = globalThis as { [registryKey]?: Map<string, RegisteredComponent> }
const registryKey: unique symbol = Symbol.for('hotpath.registry.v1')
const living = (home[registryKey] ??= new Map())

/**
 * Adds a component to the list that exporters read. Returns the function that takes it off again;
 * calling that twice does no harm.
 */
export function register(kind: ComponentKind, name: string, stats: () => object): () => void {
  const component = { kind, name: freeName(kind, name), stats }
  const key = `${kind}:${component.name}`
  living.set(key, component)
  return () => {
    if (living.get(key) === component) living.delete(key)
  }
}

/**
 * The components alive now, in order of their making.
 *
 * @example
 * ```ts
 * import { components } from 'hotpath'
 *
 * for (const { kind, name, stats } of components()) console.log(kind, name, stats())
 * ```
 */
export function components(): RegisteredComponent[] {
  return [...living.values()]
}

function freeName(kind: ComponentKind, name: string): string {
  if (!living.has(`${kind}:${name}`)) return name
  let suffix = 2
  while (living.has(`${kind}:${name}-${suffix}`)) suffix++
  return `${name}-${suffix}`
}

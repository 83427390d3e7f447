import type { DurationBuckets } from '../core/index.ts'

/** What tells the series of one metric apart, by OpenTelemetry's names of attributes. */
export type Attributes = Readonly<Record<string, string>>

/** One series of a metric. A value that is undefined is none. */
export interface Point<Value> {
  readonly attributes: Attributes
  readonly value: Value | undefined
}

/** What a metric is. */
export interface Described {
  /** By OpenTelemetry's conventions where they have the metric, and like them where they have not. */
  readonly name: string
  /** In UCUM: `s`, `By`, `1`, or what is counted: `{connection}`. */
  readonly unit: string
  readonly help: string
  /** Where the name that follows from OpenTelemetry's is one that Prometheus reserves. */
  readonly prometheusName?: string
  /** Where the other exporter shows the same in another way. */
  readonly only?: 'prometheus' | 'opentelemetry'
}

/**
 * A number. A `counter` only grows; an `upDownCounter` may be added up over components and processes;
 * of a `gauge` a sum means nothing.
 */
export interface NumberMetric<Stats> extends Described {
  readonly type: 'counter' | 'upDownCounter' | 'gauge'
  points(stats: Stats): readonly Point<number>[]
}

/** Durations; the unit is `s`. */
export interface HistogramMetric<Stats> extends Described {
  readonly type: 'histogram'
  points(stats: Stats): readonly Point<DurationBuckets>[]
}

/** What is exported of components of one kind. */
export interface MetricTable<Stats> {
  /** The attribute that holds the component's name. */
  readonly nameAttribute: string
  readonly metrics: readonly (NumberMetric<Stats> | HistogramMetric<Stats>)[]
}

/** The attribute by which the components of a kind are told apart, unless there is a convention. */
export const componentAttribute = 'hotpath.component'

/** A metric that has one series for each component. */
export function one<Value>(value: Value | undefined): readonly Point<Value>[] {
  return [{ attributes: {}, value }]
}

/** A metric that has a series for each value of one attribute. */
export function by<Value>(
  attribute: string,
  values: Readonly<Record<string, Value | undefined>>,
): readonly Point<Value>[] {
  return Object.entries(values).map(([of, value]) => ({ attributes: { [attribute]: of }, value }))
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1e3
}

/** For a yes or no, as metrics have it. */
export function zeroOrOne(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

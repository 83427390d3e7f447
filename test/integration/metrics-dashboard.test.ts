import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prometheusText } from '../../src/measure/index.ts'
import { createEveryComponent, type EveryComponent } from '../metrics/every-component.ts'
import { parsePrometheus } from '../metrics/prometheus-parser.ts'
import { useDatabase, useRedis } from '../services.ts'

const { url: redisUrl, prefix } = useRedis()
const dashboard = new URL('../../docs/grafana/hotpath.json', import.meta.url)
// What a scrape adds to every series.
const added = ['job', 'instance', 'le']
let every: EveryComponent

beforeAll(async () => {
  const { url: databaseUrl } = await useDatabase()
  every = await createEveryComponent({ databaseUrl, redisUrl, prefix })
  await every.use()
  await every.collectGarbage()
})

afterAll(() => every.close())

test('every query of the dashboard finds its metric, with the labels that it asks for', async () => {
  const { panels, templating } = JSON.parse(await readFile(dashboard, 'utf8')) as {
    panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[]
    templating: { list: { query: string }[] }
  }
  const labelsOf = new Map<string, Set<string>>()
  for (const { samples } of parsePrometheus(prometheusText().body).values()) {
    for (const { name, labels } of samples) {
      labelsOf.set(name, new Set([...(labelsOf.get(name) ?? []), ...Object.keys(labels)]))
    }
  }
  const targets = panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ ...target, panel: panel.title })),
  )
  expect(targets.length).toBeGreaterThan(30)
  for (const { panel, expr, legendFormat } of targets) {
    const names = [...expr.matchAll(/([a-z]\w+)\{/g)].map(([, name = '']) => name)
    expect(names, panel).not.toEqual([])
    const known = new Set(added)
    for (const name of names) {
      expect([...labelsOf.keys()], panel).toContain(name)
      for (const label of labelsOf.get(name) ?? []) known.add(label)
    }
    const selected = [...expr.matchAll(/(\w+)(?:=~|=)"/g)]
    const grouped = [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, list = '']) =>
      list.split(', ').map((label) => ['', label]),
    )
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
    for (const [, label] of [...selected, ...grouped, ...shown]) {
      expect([...known], `${panel}: ${expr}`).toContain(label)
    }
  }
  for (const { query } of templating.list.slice(1)) {
    const [, name = ''] = /^label_values\((\w+)/.exec(query) ?? []
    expect([...labelsOf.keys()]).toContain(name)
  }
})

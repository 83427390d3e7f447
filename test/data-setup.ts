import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { refuse } from './refuse.ts'

declare module 'vitest' {
  interface ProvidedContext {
    dataFolder: string
  }
}

/** Finds the real data (a Stack Exchange dump, access traces) that the tests in `data/` read. */
export default function setup({ provide }: TestProject): void {
  const folder = resolve(process.env['HOTPATH_DATA'] ?? '../shared/data')
  if (!existsSync(folder)) {
    refuse(`There is no ${folder}: HOTPATH_DATA must name the folder with the real data.`)
  }
  provide('dataFolder', folder)
}

// Makes `hotpath/cache` resolve to this repository inside its own workspaces (the example and the
// benchmarks import the package as its users do). npm cannot put the root package among the
// dependencies of a workspace without breaking `npm ci`, see docs/decisions.md.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'

const link = new URL('../node_modules/hotpath', import.meta.url)
if (!existsSync(link)) {
  mkdirSync(new URL('../node_modules', import.meta.url), { recursive: true })
  symlinkSync('..', link, 'junction')
}

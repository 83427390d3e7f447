// npm run soak -- NAME [--operations N] [--seed N] [--json FILE]
import { readCommand, runCommand } from './kit/command.ts'
import { runSoak } from './kit/run-soak.ts'
import type { Soak } from './kit/soak.ts'

const folder = new URL('./soaks/', import.meta.url)
const { name, file, jsonFile, numbers } = readCommand('soak', folder, ['operations', 'seed'])
const { default: soak } = (await import(file)) as { default: Soak }
const { operations = soak.operations, seed = Date.now() % 1_000_000 } = numbers

await runCommand((closing) => runSoak({ name, soak, operations, seed, jsonFile, closing }))

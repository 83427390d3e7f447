// npm run bench -- NAME [--rounds N] [--json FILE]
import type { Bench } from './kit/bench.ts'
import { readCommand, runCommand } from './kit/command.ts'
import { runBench } from './kit/run-bench.ts'

const folder = new URL('./cases/', import.meta.url)
const { name, file, jsonFile, numbers } = readCommand('bench', folder, ['rounds'])
const { default: bench } = (await import(file)) as { default: Bench }
const rounds = numbers.rounds ?? bench.rounds

await runCommand((closing) =>
  runBench({ name, file, bench: { ...bench, rounds }, jsonFile, closing }),
)

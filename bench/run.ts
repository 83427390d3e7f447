// npm run bench -- NAME [--rounds N] [--json FILE]
import type { Bench } from './kit/bench.ts'
import { readCommand, runCommand } from './kit/command.ts'
import { runBench } from './kit/run-bench.ts'

const { name, file, jsonFile, count } = readCommand(
  'bench',
  new URL('./cases/', import.meta.url),
  'rounds',
)
const { default: bench } = (await import(file)) as { default: Bench }

await runCommand((closing) =>
  runBench({ name, file, bench: { ...bench, rounds: count ?? bench.rounds }, jsonFile, closing }),
)

// Looks at the package as npm would publish it: exports and types resolve everywhere (publint,
// attw), and the tarball keeps to its budget (size-limit, see .size-limit.json).
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'node_modules', '.cache', 'hotpath', 'package')
const tarball = join(folder, 'hotpath.tgz')

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
// Without scripts: the build has just been done, and packing must not do it again.
const packed = run(
  'npm',
  ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
  'pipe',
)
renameSync(join(folder, JSON.parse(packed)[0].filename), tarball)

run('publint', ['run', tarball, '--strict'])
run('attw', [tarball, '--profile', 'esm-only'])
run('size-limit', [])

function run(command, values, output = 'inherit') {
  const result = spawnSync(command, values, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', output, 'inherit'],
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
  })
  if (result.status === 0) return result.stdout
  console.error(`${command} found something wrong with the package.`)
  process.exit(1)
}

// `npm run test:node -- 22 [project ...]`: the tests on another Node, which the npm package `node`
// brings. It stays in a cache inside node_modules.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const known = ['unit', 'integration', 'package']
const [major = '', ...chosen] = process.argv.slice(2)

if (!/^\d+$/.test(major) || !chosen.every((name) => known.includes(name))) {
  console.error(`Usage: npm run test:node -- 22|24|26 [${known.join('|')} ...]`)
  process.exit(2)
}

const node = provideNode(major)
console.log(`Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
const projects = (chosen.length === 0 ? known : chosen).flatMap((name) => ['--project', name])
const { status } = spawnSync(
  node,
  [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...projects],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
  },
)
process.exit(status ?? 1)

function provideNode(version) {
  const folder = join(root, 'node_modules', '.cache', 'hotpath', `node-${version}`)
  const path = join(folder, 'node_modules', 'node', 'bin', 'node')
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  // A package of its own, or npm would install into the repository above.
  writeFileSync(
    join(folder, 'package.json'),
    '{ "private": true, "allowScripts": { "node": true } }',
  )
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', `node@${version}`],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status === 0 && existsSync(path)) return path
  console.error(`Node ${version} could not be installed from npm.\n${stderr}`)
  process.exit(1)
}

// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what the
// lockfile names if that is not there yet, and says nothing if it is.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 20
const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const pinnedNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
// Written last by npm: without it, an installation was broken off.
const npmRecord = join(modules, '.package-lock.json')
const ourRecord = join(modules, '.hotpath-lock')

if (Number.parseInt(process.versions.node, 10) < oldestNode) {
  fail(`hotpath's scripts need Node ${oldestNode} or newer; this is Node ${process.versions.node}.`)
}
if (!isInstalled()) await install()

function isInstalled() {
  return existsSync(npmRecord) && existsSync(join(modules, 'hotpath')) && isCurrent() && nodeRuns()
}

function isCurrent() {
  if (existsSync(ourRecord) && readFileSync(ourRecord, 'utf8') === lockfileHash()) return true
  // Somebody ran `npm ci` or `npm install` by hand.
  return statSync(npmRecord).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
}

function lockfileHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function nodeRuns() {
  if (!existsSync(pinnedNode)) return false
  if (realpathSync(process.execPath) === realpathSync(pinnedNode)) return true
  return spawnSync(pinnedNode, ['--version']).status === 0
}

async function install() {
  await takeTurn()
  // Another process may have done it while this one waited for its turn.
  if (isInstalled()) return
  console.error(
    'Installing the dependencies with "npm ci"; the first time takes a minute or so ...',
  )
  const { status, output } = await npmCi()
  if (status !== 0) fail(explain(output), output)
  await import('./link-self.mjs')
  if (!nodeRuns()) {
    fail(
      'The Node that this repository pins did not install: npm must be allowed to run install scripts ("npm config get ignore-scripts" should say false).',
      output,
    )
  }
  writeFileSync(ourRecord, lockfileHash())
}

/** One installation at a time: two in one folder would delete each other's files. */
async function takeTurn() {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const turn = join(tmpdir(), `hotpath-install-${name}.pid`)
  for (let isWaiting = false; ;) {
    try {
      writeFileSync(turn, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`No file can be written to ${tmpdir()}: ${error.message}.`)
    }
    const owner = ownerOf(turn)
    if (owner === undefined) {
      rmSync(turn, { force: true })
      continue
    }
    if (!isWaiting) console.error(`Waiting for the installation that process ${owner} is doing ...`)
    isWaiting = true
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  process.once('exit', () => rmSync(turn, { force: true }))
}

/** The living process that has the turn. */
function ownerOf(turn) {
  try {
    const pid = Number(readFileSync(turn, 'utf8'))
    // Between its making and its filling the file is empty.
    if (pid === 0) return Date.now() - statSync(turn).mtimeMs < 5_000 ? 'another' : undefined
    process.kill(pid, 0)
    return pid
  } catch (error) {
    return error.code === 'EPERM' ? 'another' : undefined
  }
}

function npmCi() {
  const flags = ['--include=dev', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
  // The machine's own npm and Node: those in node_modules are about to be deleted.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter)
  const child = spawn('npm', ['ci', ...flags], {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      child.kill(signal)
      child.once('close', () => process.exit(1))
    })
  }
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: 1, output: `npm: ${error.message}` }))
    child.once('close', (status) => resolve({ status, output }))
  })
}

function explain(output) {
  if (/ENOSPC|no space left/i.test(output)) return 'The installation failed: the disk is full.'
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(output)) {
    return 'The installation failed: npm cannot reach its registry. Is this machine online?'
  }
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return `The installation failed: ${root} may not be written to by this user.`
  }
  return 'The installation failed. npm says:'
}

function fail(sentence, output = '') {
  console.error(sentence)
  const lines = output.trim().split('\n').slice(-30)
  if (output !== '') console.error(lines.join('\n').replaceAll(/^/gm, '  '))
  process.exit(1)
}

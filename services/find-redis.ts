import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * The path of a Redis server's program: `redis-server` or `valkey-server` from the PATH. Root on
 * Debian gets it installed, and a line on standard error that says so.
 */
export async function findRedis(): Promise<string> {
  const found = onPath('redis-server') ?? onPath('valkey-server')
  if (found !== undefined) return found
  const wasInstalled = canInstall() && (await install())
  const installed = wasInstalled ? onPath('redis-server') : undefined
  if (installed !== undefined) return installed
  throw new Error(
    process.env['REDIS_URL']
      ? 'No Redis server was found: REDIS_URL serves what only uses a Redis; what stops or freezes one needs redis-server or valkey-server on the PATH.'
      : 'No Redis was found: set REDIS_URL to one that may be written to, put redis-server or valkey-server on the PATH, or run this as root on Debian, where it is installed by itself.',
  )
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && onPath('apt-get') !== undefined
}

// The package would start its own server; policy-rc.d keeps Debian's scripts from doing so. The
// shell that put it there takes it away, even when we are interrupted and apt-get goes on alone.
const installation = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 redis-server
`

async function install(): Promise<boolean> {
  process.stderr.write('No Redis on the PATH: installing redis-server with apt-get ...\n')
  const child = spawn('sh', ['-c', installation], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const exitCode = await new Promise((resolve) => child.once('close', resolve))
  if (exitCode !== 0) process.stderr.write(`apt-get could not install redis-server:\n${complaints}`)
  return exitCode === 0
}

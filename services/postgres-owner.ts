import { readFileSync } from 'node:fs'

/** The user that a server runs as. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root. Root therefore runs it as a user that every Debian has, and
 * makes none; anybody else runs it as themselves.
 */
export function postgresOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  return accountOf('postgres') ?? accountOf('nobody') ?? { uid: 65_534, gid: 65_534 }
}

function accountOf(name: string): Owner | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

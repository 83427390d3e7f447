import { fileURLToPath } from 'node:url'

/** A place in the app's code. */
export interface CallSite {
  /** The name of the function, as far as it has one. */
  readonly functionName: string | undefined
  /** A path, or a URL for what is no file. */
  readonly file: string
  readonly line: number
  readonly column: number
}

// The folder that this package's code is in, `src` or `dist`.
const ownFolder = fileURLToPath(new URL('../..', import.meta.url))

/** The frames of a stack that are the app's own, the innermost first; async ones belong to it. */
export function appFrames(stack: string): CallSite[] {
  return stack.split('\n').flatMap((line) => {
    const site = readFrame(line)
    return site !== undefined && isApps(site.file) ? [site] : []
  })
}

function readFrame(line: string): CallSite | undefined {
  const match =
    /^\s*at (?:async )?(?:(?<name>.+?) \()?(?<file>[^()]+?):(?<line>\d+):(?<column>\d+)\)?$/.exec(
      line,
    )
  const { name, file, line: row, column } = match?.groups ?? {}
  if (file === undefined || row === undefined || column === undefined) return undefined
  return {
    functionName: name?.replace(/^async /, ''),
    file: file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file,
    line: Number(row),
    column: Number(column),
  }
}

function isApps(file: string): boolean {
  const isPackage = /[\\/]node_modules[\\/]/.test(file)
  return !isPackage && !file.startsWith('node:') && !file.startsWith(ownFolder)
}

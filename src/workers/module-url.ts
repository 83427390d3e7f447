import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { invalid } from '../core/index.ts'
import { moduleInvalid } from './errors.ts'

/**
 * Finds the file of a worker module. `new URL('./resize.ts', import.meta.url)` is right in the source,
 * but no compiler rewrites it: where there is `resize.js` only, that is what was built from it.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_WORKERS_MODULE_INVALID
 */
export function resolveModule(module: URL | string): string {
  const url = URL.parse(String(module))
  if (url === null || url.protocol !== 'file:') {
    invalid('moduleUrl', "a file: URL, such as new URL('./resize.ts', import.meta.url)", module)
  }
  const built = new URL(url.href.replace(/\.(m?)ts$/, '.$1js'))
  for (const candidate of [url, built]) {
    if (existsSync(fileURLToPath(candidate))) return candidate.href
  }
  throw moduleInvalid(
    `there is no worker module ${fileURLToPath(url)}; ` +
      'see whether the path is right and the file is part of what you deploy',
  )
}

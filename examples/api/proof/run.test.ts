import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('a run', () => {
  test('ends with the code of its body, after closing in reverse order', async () => {
    const run = start(`
      run.defer(() => console.log('first'))
      run.defer(async () => console.log('second'))
      return 3`)
    expect(await run.ended()).toEqual({ code: 3, out: 'second\nfirst\n', err: '' })
  })

  test('a refusal is one sentence and exit code 1; what was begun is closed', async () => {
    const run = start(`
      run.defer(() => console.log('closed'))
      throw new Refusal('The port is busy: choose another.')`)
    expect(await run.ended()).toEqual({
      code: 1,
      out: 'closed\n',
      err: '\nThe port is busy: choose another.\n',
    })
  })

  test('a full disk is a sentence, from the system and from PostgreSQL', async () => {
    for (const code of ['ENOSPC', '53100']) {
      const run = start(`throw Object.assign(new Error('no room'), { code: '${code}' })`)
      expect((await run.ended()).err).toMatch(/^\nThe disk is full \(no room\): [^\n]+\.\n$/)
    }
  })

  test('an error that nobody foresaw keeps its stack', async () => {
    const { code, err } = await start(`throw new TypeError('a bug')`).ended()
    expect(code).toBe(1)
    expect(err).toMatch(/TypeError: a bug\n\s+at /)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s aborts the body, closes, and ends with %i', async (signal, code) => {
    const run = start(waitForAbort)
    await run.printed('ready')
    run.child.kill(signal)
    expect(await run.ended()).toMatchObject({ code, out: 'ready\nclosed\n' })
  })

  test('the echo of a Ctrl-C does not cut the closing short', async () => {
    const run = start(waitForAbort)
    await run.printed('ready')
    run.child.kill('SIGINT')
    run.child.kill('SIGINT')
    expect(await run.ended()).toMatchObject({ code: 130, out: 'ready\nclosed\n' })
  })

  test('a second Ctrl-C ends a closing that hangs', async () => {
    const run = start(`
      run.defer(() => new Promise(() => console.log('closing')))
      ${waitForAbort}`)
    await run.printed('ready')
    run.child.kill('SIGINT')
    await run.printed('closed\nclosing')
    const repeat = setInterval(() => run.child.kill('SIGINT'), 100)
    expect((await run.ended()).code).toBe(130)
    clearInterval(repeat)
  })
})

const waitForAbort = `
  run.defer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log('closed')
  })
  console.log('ready')
  await new Promise((_, reject) => {
    setInterval(() => {}, 1_000)
    run.signal.addEventListener('abort', () => reject(run.signal.reason))
  })`

function start(body: string) {
  const script = `
    const { execute } = await import('${new URL('./run.ts', import.meta.url).href}')
    const { Refusal } = await import('${new URL('./failure.ts', import.meta.url).href}')
    await execute(async (run) => { ${body} })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  children.push(child)
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  const closed = once(child, 'close')
  return {
    child,
    async printed(text: string) {
      while (!output.out.includes(text)) await once(child.stdout, 'data')
    },
    async ended() {
      const [code] = (await closed) as [number]
      return { code, ...output }
    },
  }
}

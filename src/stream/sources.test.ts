import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, open as openFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lines } from './lines.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-lines-'))
})
afterAll(() => rm(folder, { recursive: true }))

// Larger than any buffer on the way, with lines of all lengths and characters of all widths.
const wanted = Array.from({ length: 30_000 }, (_, at) => `${at} ${'añ€😀'.repeat(at % 13)}`)
const bytes = Buffer.from(wanted.join('\r\n'))

async function write(name: string, content: Buffer | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const brotli = (content: Buffer) =>
  brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

/** A frame of zstd that says nothing. */
function skippable(length: number): Buffer {
  const head = Buffer.from('5d2a4d1800000000', 'hex')
  head.writeUInt32LE(length, 4)
  return Buffer.concat([head, Buffer.alloc(length, 'x')])
}

/** As `pzstd` and logs that are packed piece by piece have it. */
function framed(content: Buffer): Buffer {
  const params = { [constants.ZSTD_c_checksumFlag]: 1 }
  return Buffer.concat([
    skippable(4),
    zstdCompressSync(content.subarray(0, 9)),
    skippable(0),
    zstdCompressSync(''),
    skippable(200_000),
    zstdCompressSync(content.subarray(9, 300_000), { params }),
    zstdCompressSync(content.subarray(300_000)),
    skippable(12),
  ])
}

/** Files of the test's folder that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
}

function* pieces(size: number): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

describe('the same lines from', () => {
  test.each([
    ['a path', (path: string) => path],
    ['a URL', (path: string) => pathToFileURL(path)],
    ['bytes', () => new Uint8Array(bytes)],
    ['a Node stream', () => Readable.from(pieces(70_001))],
    ['a Node stream of text', () => Readable.from(pieces(7_001)).setEncoding('utf8')],
    ['a web stream', () => new Blob([bytes]).stream()],
    ['an iterable', () => pieces(101)],
    ['an async iterable', () => Readable.from(pieces(333_333))[Symbol.asyncIterator]()],
  ])('%s', async (_name, open) => {
    const path = await write('plain.txt', bytes)
    const found = await lines(open(path)).toArray()
    expect(found).toHaveLength(wanted.length)
    expect(found).toEqual(wanted)
    expect(openFiles()).toEqual([])
  })

  test.each([
    ['gzip', 'a.txt', gzipSync(bytes)],
    [
      'gzip in two members',
      'b.txt',
      Buffer.concat([gzipSync(bytes.subarray(0, 9)), gzipSync(bytes.subarray(9))]),
    ],
    ['zstd', 'c.txt', zstdCompressSync(bytes)],
    ['zstd in frames, some to be skipped', 'e.txt', framed(bytes)],
    ['brotli by its name', 'd.txt.br', brotli(bytes)],
  ])('%s', async (_name, name, packed) => {
    const path = await write(name, packed)
    expect(await lines(path).toArray()).toEqual(wanted)
    const { bytes: read, next } = await lines(path).to(async () => {})
    expect(read).toBe(packed.length)
    expect(next.byteOffset).toBe(bytes.length)
  })

  test('zstd that repeats one byte, a byte at a time', async () => {
    const packed = zstdCompressSync(`${'x'.repeat(1_000_000)}\n`)
    const found = await lines(Array.from(packed, (byte) => Buffer.of(byte))).toArray()
    expect(found.map((line) => line.length)).toEqual([1_000_000])
  })

  test('leaving zstd in its second frame closes the file', async () => {
    const path = await write('left.zst', framed(bytes))
    for await (const line of lines(path)) if (line === wanted[2_000]) break
    expect(openFiles()).toEqual([])
  })

  test('brotli by option', async () => {
    const packed = brotli(bytes)
    expect(await lines(packed, { compression: 'brotli' }).toArray()).toEqual(wanted)
  })

  test('compressed bytes as they are, where that is asked for', async () => {
    const packed = gzipSync('a')
    const found = lines(packed, { compression: false, encoding: 'latin1' })
    expect((await found.toArray())[0]?.slice(0, 2)).toBe('\u001f\u008b')
  })

  test('a text that begins with the first two bytes of gzip', async () => {
    const text = Buffer.from('\u8b1fa\nb', 'utf16le')
    expect(await lines(text, { encoding: 'utf-16le' }).toArray()).toEqual(['\u8b1fa', 'b'])
  })

  test('text in chunks that cut a character in two', async () => {
    expect(await lines(['a\ud83d', '\ude00\nb']).toArray()).toEqual(['a😀', 'b'])
  })

  test('an empty file', async () => {
    expect(await lines(await write('empty.txt', '')).toArray()).toEqual([])
  })
})

describe('goes on from a byte offset', () => {
  const start = Buffer.byteLength(wanted.slice(0, 20_000).join('\r\n')) + 2

  test.each([
    ['of a file, without reading what is before', (path: string) => path, bytes.length - start],
    ['of a stream', () => Readable.from(pieces(50_000)), bytes.length],
    ['of a gzip file', () => join(folder, 'far.gz'), 0],
  ])('%s', async (_name, open, most) => {
    await write('far.gz', gzipSync(bytes))
    const path = await write('far.txt', bytes)
    const found: string[] = []
    const { next, bytes: read } = await lines(open(path), {
      from: { line: 20_001, byteOffset: start },
    }).to(async (rows) => void found.push(...rows))
    expect(found).toEqual(wanted.slice(20_000))
    expect(next).toEqual({ line: 30_001, byteOffset: bytes.length })
    // The head of a file is looked at for its mark.
    if (most > 0) expect(read).toBeLessThanOrEqual(most + 1_024 * 1_024)
  })

  test('at the end and beyond it there is nothing', async () => {
    const end = { line: 30_001, byteOffset: bytes.length }
    const { rows, next } = await lines(bytes, { from: end }).to(async () => {})
    expect({ rows, next }).toEqual({ rows: 0, next: end })
    expect(await lines(bytes, { from: bytes.length + 1 }).toArray()).toEqual([])
    expect(await lines(await write('end.txt', 'a'), { from: 9 }).toArray()).toEqual([])
  })
})

describe('progress', () => {
  test('of a run that begins in the middle ends at the bytes that were to be read', async () => {
    const path = await write('middle.txt', bytes)
    const told: [number, number | undefined][] = []
    await lines(path, { from: 1_500_000 }).to(async () => {}, {
      onProgress: (progress) => told.push([progress.bytes, progress.totalBytes]),
    })
    const [read, total] = told.at(-1) ?? []
    expect(read).toBeLessThan(bytes.length)
    expect(read).toBe(total)
  })
})

describe('bad input is one clear error, and everything is closed', () => {
  test('a missing file', async () => {
    const failed = lines(join(folder, 'none.txt')).toArray()
    await expect(failed).rejects.toThrow(/none\.txt cannot be read: there is no such file/)
    await expect(failed).rejects.toMatchObject({ code: 'HOTPATH_STREAM_SOURCE_FAILED' })
  })

  test('a folder', async () => {
    const path = join(folder, 'folder')
    await mkdir(path)
    const failed = lines(path).toArray()
    await expect(failed).rejects.toThrow('it is a folder')
    await expect(failed).rejects.toMatchObject({ code: 'HOTPATH_STREAM_SOURCE_FAILED' })
    expect(openFiles()).toEqual([])
  })

  test.each([
    ['gzip', 'cut.gz', gzipSync(bytes)],
    ['zstd', 'cut.zst', zstdCompressSync(bytes)],
    ['brotli', 'cut.br', brotli(bytes)],
    ['zstd', 'cut-skip.zst', Buffer.concat([zstdCompressSync(bytes), skippable(40)])],
    ['zstd', 'cut-second.zst', Buffer.concat([zstdCompressSync('a\n'), zstdCompressSync(bytes)])],
  ])('%s that is cut off (%s)', async (format, name, packed) => {
    const path = await write(name, packed)
    await truncate(path, packed.length - 20)
    const failed = lines(path).toArray()
    await expect(failed).rejects.toThrow(`${name} is cut off or damaged (${format}`)
    await expect(failed).rejects.toMatchObject({ code: 'HOTPATH_STREAM_SOURCE_FAILED' })
    expect(openFiles()).toEqual([])
  })

  test.each([
    ['gzip', 'more.gz', gzipSync(bytes)],
    ['zstd', 'more.zst', zstdCompressSync(bytes)],
  ])('%s, and behind it what is none', async (format, name, packed) => {
    const path = await write(name, Buffer.concat([packed, Buffer.from('no more of it')]))
    await expect(lines(path).toArray()).rejects.toThrow(`${name} is cut off or damaged (${format}`)
    expect(openFiles()).toEqual([])
  })

  test('text that is none: replaced, or an error with its line', async () => {
    const path = await write('bad.txt', Buffer.from('6f6b0a61ff620a6f6b', 'hex'))
    expect(await lines(path).toArray()).toEqual(['ok', 'a\ufffdb', 'ok'])
    const failed = lines(path, { invalidText: 'error' }).toArray()
    await expect(failed).rejects.toThrow('line 2 (byte 3): the line is no text in its encoding')
    await expect(failed).rejects.toMatchObject({ code: 'HOTPATH_STREAM_ROW_FAILED' })
    expect(openFiles()).toEqual([])
  })

  test('a stream that fails passes its error on', async () => {
    const broken = Readable.from(pieces(1_000))
    const failing = lines(broken).tap(() => void broken.destroy(new Error('torn')))
    await expect(failing.toArray()).rejects.toThrow('torn')
  })

  test('a stream of something else', async () => {
    await expect(lines(Readable.from([{}])).toArray()).rejects.toThrow('must be bytes or text')
  })

  test('a stream that hangs, until it is aborted', async () => {
    for (const hanging of [
      new Readable({ read() {} }),
      new ReadableStream<Uint8Array>({}),
      (async function* () {
        await new Promise(() => {})
        yield Buffer.alloc(0)
      })(),
    ]) {
      const controller = new AbortController()
      const reading = lines(hanging, { signal: controller.signal }).toArray()
      setImmediate(() => controller.abort('enough'))
      await expect(reading).rejects.toBe('enough')
      if (hanging instanceof Readable) expect(hanging.destroyed).toBe(true)
    }
  })
})

describe('leaving early closes', () => {
  test.each([
    ['a file', 'left.txt', bytes],
    ['a gzip file', 'left.txt.gz', gzipSync(bytes)],
  ])('%s', async (_name, name, content) => {
    const path = await write(name, content)
    for await (const line of lines(path)) {
      if (line.startsWith('100 ')) break
      expect(openFiles()).toEqual([path])
    }
    expect(openFiles()).toEqual([])
    for await (const rows of lines(path).batches()) {
      expect(rows.length).toBeGreaterThan(0)
      break
    }
    expect(openFiles()).toEqual([])
    const thrown = lines(path).to(async () => {
      throw new Error('no more')
    })
    await expect(thrown).rejects.toThrow('no more')
    expect(openFiles()).toEqual([])
  })

  test('a pipe, without waiting for whoever writes to it', async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    // Opened for both, it neither waits for a reader nor comes to an end.
    const writer = await openFile(path, 'r+')
    await writer.write('a\nb\n')
    expect(await lines(path).take(1).toArray()).toEqual(['a'])
    const controller = new AbortController()
    const reading = lines(path, { signal: controller.signal }).toArray()
    setImmediate(() => controller.abort('enough'))
    await expect(reading).rejects.toBe('enough')
    // Ends the reads that nobody waits for any more.
    await writer.close()
    await expect.poll(openFiles).toEqual([])
  })

  test('a web stream is cancelled, a Node stream destroyed, a generator returned', async () => {
    let cancelled = 0
    const web = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from('a\n')),
      cancel: () => void cancelled++,
    })
    for await (const line of lines(web)) if (line === 'a') break
    expect(cancelled).toBe(1)
    const node = Readable.from(pieces(100))
    for await (const line of lines(node)) if (line !== '') break
    expect(node.destroyed).toBe(true)
    let returned = 0
    const endless = (function* () {
      try {
        for (;;) yield 'a\n'
      } finally {
        returned++
      }
    })()
    for await (const line of lines(endless)) if (line === 'a') break
    expect(returned).toBe(1)
  })
})

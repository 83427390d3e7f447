import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UploadFile } from './upload-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-upload-file-'))
})
afterEach(() => rm(folder, { recursive: true }))

const create = () => UploadFile.create({ folder, partName: '.part', name: 'whole' })

test('has its name when it is committed, and not before', async () => {
  const file = await create()
  await file.write(Buffer.from('abc'))
  expect(await readdir(folder)).toEqual(['.part'])
  await file.commit()
  expect(await readdir(folder)).toEqual(['whole'])
})

test.each(['write', 'commit'] as const)('an abort beside a %s leaves nothing', async (step) => {
  for (let n = 0; n < 20; n++) {
    const file = await create()
    await file.write(Buffer.alloc(5 * 2 ** 20))
    const working = step === 'write' ? file.write(Buffer.alloc(2 ** 20)) : file.commit()
    await Promise.all([file.abort(), working.catch(() => {})])
    expect(await readdir(folder)).toEqual([])
  }
})

test('an abort after a commit leaves nothing', async () => {
  const file = await create()
  await file.commit()
  await file.abort()
  expect(await readdir(folder)).toEqual([])
})

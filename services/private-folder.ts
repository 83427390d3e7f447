import { joinRun } from './run.ts'

/** A folder that goes when it is closed or this process ends, however it ends. */
export interface PrivateFolder extends AsyncDisposable {
  readonly path: string
  close(): Promise<void>
}

/** Makes an empty {@link PrivateFolder}. */
export async function makePrivateFolder(): Promise<PrivateFolder> {
  const { folder, leave } = await joinRun('folder')
  return { path: folder, close: leave, [Symbol.asyncDispose]: leave }
}

import { mkdir } from 'node:fs/promises'
import { DumpWriter } from './dump-writer.ts'
import { GeneratedSite } from './generated-site.ts'

/** What {@link writeGeneratedDump} writes. */
export interface GenerateOptions {
  /** @defaultValue 20_000 */
  users?: number | undefined
  /** Questions and answers together. @defaultValue 200_000 */
  posts?: number | undefined
  /** The same seed and sizes give the same bytes. @defaultValue 1 */
  seed?: number | undefined
  /** Told again and again how much is written, from 0 to 1. */
  onProgress?: ((doneRatio: number) => void) | undefined
  /** Ends the writing; the files stay behind incomplete. */
  signal?: AbortSignal | undefined
}

/** Rows in each file of a generated dump. */
export interface GeneratedCounts {
  readonly users: number
  readonly posts: number
  readonly comments: number
  readonly votes: number
}

/**
 * Writes a made-up dump in the format of a real one: `Users.xml`, `Posts.xml`, `Comments.xml` and
 * `Votes.xml`. Answers per question, the spread of sizes, and the skew of authors, views and tags
 * follow a real site's; texts are half as long, and comments and votes fewer, about one for each
 * post, so that the default is written and loaded in seconds.
 */
export async function writeGeneratedDump(
  folder: string,
  options: GenerateOptions = {},
): Promise<GeneratedCounts> {
  const { users = 20_000, posts = 200_000, seed = 1, onProgress, signal } = options
  await mkdir(folder, { recursive: true })
  const files = {
    users: await DumpWriter.create(folder, 'Users'),
    posts: await DumpWriter.create(folder, 'Posts'),
    comments: await DumpWriter.create(folder, 'Comments'),
    votes: await DumpWriter.create(folder, 'Votes'),
  }
  const writers = Object.values(files)
  try {
    const site = new GeneratedSite({ users, posts, seed })
    for (let done = 0; done < users + posts; done++) {
      if (done < users) site.addUser(files)
      else site.addPost(files)

      const full = writers.filter((writer) => writer.isFull)
      if (full.length === 0) continue
      signal?.throwIfAborted()
      await Promise.all(full.map((writer) => writer.flush()))
      onProgress?.(done / (users + posts))
    }
    await Promise.all(writers.map((writer) => writer.close()))
  } catch (error) {
    await Promise.all(writers.map((writer) => writer.abandon()))
    throw error
  }
  return {
    users: files.users.count,
    posts: files.posts.count,
    comments: files.comments.count,
    votes: files.votes.count,
  }
}

import type { Store } from './store.ts'

/** What a handler does to answer one request. */
export type Scenario = (store: Store) => Promise<unknown>

async function authorName(store: Store, id: number) {
  const author = await store.user(id)
  return author?.name
}

/** The same query for each row of another. */
export const repeated: Record<string, Scenario> = {
  'a loop': async (store) => {
    for (const post of await store.posts(10)) await store.user(post.author_id)
  },
  'Promise.all': async (store) => {
    const posts = await store.posts(10)
    await Promise.all(posts.map((post) => store.user(post.author_id)))
  },
  'Promise.all of async functions': async (store) => {
    const posts = await store.posts(10)
    await Promise.all(
      posts.map(async (post) => ({ ...post, author: await store.user(post.author_id) })),
    )
  },
  'a helper function': async (store) => {
    for (const post of await store.posts(8)) await authorName(store, post.author_id)
  },
  'two levels': async (store) => {
    for (const user of await store.users(4)) {
      for (const post of await store.postsOf(user.id)) await store.commentsOf(post.id)
    }
  },
  'a template': async (store) => {
    const lines = []
    for (const post of await store.posts(6)) {
      lines.push(`<li>${post.title} by ${await authorName(store, post.author_id)}</li>`)
    }
    return lines.join('')
  },
  'down a tree': async (store) => {
    const walk = async (id: number): Promise<void> => {
      for (const child of await store.categoriesIn(id)) await walk(child.id)
    }
    await walk(1)
  },
  'lazy getters': async (store) => {
    const posts = (await store.posts(7)).map((post) => ({
      get author() {
        return store.user(post.author_id)
      },
    }))
    for (const post of posts) await post.author
  },
  resolvers: async (store) => {
    const resolve: Record<string, (row: { author_id: number }) => Promise<unknown>> = {
      author: async (row) => store.user(row.author_id),
    }
    const posts = await store.posts(9)
    await Promise.all(posts.flatMap((post) => Object.values(resolve).map((field) => field(post))))
  },
  'each page of a listing': async (store) => {
    for (let offset = 0; offset < 30; offset += 10) {
      for (const post of await store.postsPage(10, offset)) await store.commentsOf(post.id)
    }
  },
  'a count for each row': async (store) => {
    for (const user of await store.users(10)) await store.countPosts(user.id)
  },
  'a question for each row': async (store) => {
    const users = await store.users(10)
    await Promise.all(users.map(async (user) => store.hasPosts(user.id)))
  },
  'an update for each row': async (store) => {
    for (const user of await store.users(6)) await store.rename(user.id, user.name.trim())
  },
  'an insert for each row': async (store) => {
    for (const user of await store.users(6)) await store.log(user.id, 'seen')
  },
  'a delete for each row': async (store) => {
    for (const post of await store.posts(6)) await store.removeComments(-post.id)
  },
  'some of the rows': async (store) => {
    for (const user of await store.users(20)) if (user.id % 3 === 0) await store.team(user.team_id)
  },
  'the smallest that counts': async (store) => {
    for (const post of await store.posts(3)) await store.commentsOf(post.id)
  },
}

/** They look like it, and are right as they are. */
export const innocent: Record<string, Scenario> = {
  'a batch': async (store) => {
    const posts = await store.posts(10)
    await store.usersByIds(posts.map((post) => post.author_id))
  },
  'batches in chunks': async (store) => {
    const ids = (await store.users(35)).map((user) => user.id)
    for (let i = 0; i < ids.length; i += 8) await store.usersIn(ids.slice(i, i + 8))
  },
  'chunks with a last one of one': async (store) => {
    const ids = (await store.users(31)).map((user) => user.id)
    for (let i = 0; i < ids.length; i += 6) await store.usersIn(ids.slice(i, i + 6))
  },
  'rows inserted in chunks': async (store) => {
    const users = await store.users(31)
    for (let i = 0; i < users.length; i += 6) {
      await store.logAll(users.slice(i, i + 6).map((user) => ({ userId: user.id, note: 'seen' })))
    }
  },
  'retries after 40001': async (store) => {
    const [user] = await store.users(1)
    for (let attempt = 0; attempt < 6; attempt++) {
      await store.transfer(user?.id ?? 0).catch(() => {})
    }
  },
  'polling until done': async (store) => {
    const [job] = await store.users(5)
    for (let i = 0; i < 8; i++) await store.user(job?.id ?? 1)
  },
  'two by hand': async (store) => {
    const [post] = await store.posts(4)
    await authorName(store, post?.author_id ?? 1)
    await authorName(store, 2)
  },
  'five by hand': async (store) => {
    const [a, b, c, d, e] = (await store.users(5)).map((user) => user.id)
    return [
      await authorName(store, a ?? 0),
      await authorName(store, b ?? 0),
      await authorName(store, c ?? 0),
      await authorName(store, d ?? 0),
      await authorName(store, e ?? 0),
    ]
  },
  'permissions asked twice': async (store) => {
    const may = async (id: number) => (await store.user(id)) !== undefined
    const posts = await store.posts(5)
    if (await may(7)) for (const _ of posts) await may(7)
  },
  'a loader': async (store) => {
    const wanted: number[] = []
    let batch: Promise<unknown> | undefined
    const load = async (id: number) => {
      wanted.push(id)
      batch ??= Promise.resolve().then(async () => store.usersByIds([...new Set(wanted)]))
      await batch
    }
    await Promise.all((await store.posts(10)).map(async (post) => load(post.author_id)))
  },
  'a walk over a table in pages': async (store) => {
    let last = 0
    for (
      let page = await store.postsAfter(last, 20);
      page.length > 0;
      page = await store.postsAfter(last, 20)
    ) {
      last = page.at(-1)?.id ?? 0
    }
  },
  'a walk with a batch for each page': async (store) => {
    let last = 0
    for (let i = 0; i < 4; i++) {
      const page = await store.postsAfter(last, 10)
      last = page.at(-1)?.id ?? 0
      await store.commentsOfAll(page.map((post) => post.id))
    }
  },
  'pages by offset': async (store) => {
    for (let offset = 0; offset < 60; offset += 10) await store.postsPage(10, offset)
  },
  'settings of a tenant': async (store) => {
    await store.users(5)
    for (const key of ['key 1', 'key 2', 'key 3', 'key 4', 'key 5'])
      await store.setting('tenant 1', key)
  },
  cached: async (store) => {
    const known = new Map<number, unknown>()
    for (const post of await store.posts(10)) {
      const team = post.author_id % 2
      if (!known.has(team)) known.set(team, await store.team(team + 1))
    }
  },
  'health checks': async (store) => {
    for (let i = 0; i < 6; i++) await store.ping()
  },
  'jobs one by one': async (store) => {
    for (let i = 0; i < 6; i++) {
      const job = await store.nextJob()
      if (job !== undefined) await store.finishJob(job.id)
    }
  },
}

import type { Scenario } from './scenarios.ts'

// Written after the rules, to see how they do on what they were not made for.

/** The same query for each row of another. */
export const repeated: Record<string, Scenario> = {
  'up a tree': async (store) => {
    let at = await store.category(15)
    while (at !== undefined && at.parent_id !== null) at = await store.category(at.parent_id)
  },
  'three levels': async (store) => {
    for (const user of await store.users(3)) {
      for (const post of await store.postsOf(user.id)) {
        for (const comment of await store.commentsOf(post.id)) await store.user(comment.author_id)
      }
    }
  },
  'reduce over promises': async (store) => {
    const posts = await store.posts(8)
    await posts.reduce(
      async (before, post) => before.then(async () => void (await store.user(post.author_id))),
      Promise.resolve(),
    )
  },
  'in a class': async (store) => {
    class PostView {
      readonly authorId: number
      constructor(authorId: number) {
        this.authorId = authorId
      }
      async render() {
        return `by ${(await store.user(this.authorId))?.name}`
      }
    }
    const views = (await store.posts(8)).map((post) => new PostView(post.author_id))
    for (const view of views) await view.render()
  },
  'an async generator': async (store) => {
    async function* authors() {
      for (const post of await store.posts(8)) yield store.user(post.author_id)
    }
    for await (const author of authors()) if (author === undefined) break
  },
  'three at a time': async (store) => {
    const ids = (await store.users(9)).map((user) => user.id)
    while (ids.length > 0) await Promise.all(ids.splice(0, 3).map(async (id) => store.hasPosts(id)))
  },
  'from the last row to the first': async (store) => {
    for (const user of (await store.users(9)).toReversed()) await store.countPosts(user.id)
  },
  'Promise.allSettled, then': async (store) => {
    const posts = await store.posts(6)
    await Promise.allSettled(
      posts.map((post) => store.commentsOf(post.id).then((all) => all.length)),
    )
  },
}

/** They look like it, and are right as they are. */
export const innocent: Record<string, Scenario> = {
  'two at once by hand': async (store) => {
    const [first, second] = await store.posts(2)
    await Promise.all([store.user(first?.author_id ?? 1), store.user(second?.author_id ?? 2)])
  },
  'a retry that succeeds': async (store) => {
    const [user] = await store.users(3)
    for (let isDone = false; !isDone;) {
      isDone = await store.transfer(user?.id ?? 0).then(
        () => true,
        () => false,
      )
    }
  },
  'a batch in a batch': async (store) => {
    const posts = await store.posts(10)
    const comments = await store.commentsOfAll(posts.map((post) => post.id))
    await store.usersIn(comments.map((comment) => comment.author_id))
  },
  'a growing list': async (store) => {
    const ids = (await store.users(6)).map((user) => user.id)
    for (let size = 1; size <= ids.length; size++) await store.usersIn(ids.slice(0, size))
  },
  'one look-up for all': async (store) => {
    const teams = new Map<number, unknown>()
    for (const user of await store.users(20)) {
      const id = 1 + (user.id % 2)
      teams.set(id, teams.get(id) ?? (await store.team(id)))
    }
  },
  'settings of each known tenant': async (store) => {
    await store.users(9)
    for (const tenant of ['tenant 1', 'tenant 2', 'tenant 3', 'tenant 4']) {
      await store.setting(tenant, 'key 1')
    }
  },
  'a page and its neighbours': async (store) => {
    for (const offset of [0, 10, 20]) await store.postsPage(10, offset)
    await store.commentsOfAll([1, 2, 3])
  },
  'rows inserted together, thrice': async (store) => {
    const users = await store.users(12)
    for (let i = 0; i < 12; i += 4) {
      await store.logAll(
        users.slice(i, i + 4).map(({ id }) => ({ userId: id, note: `note ${id}` })),
      )
    }
  },
  'a health check in between': async (store) => {
    for (const user of await store.users(5)) if (user.id > 0) await store.ping()
  },
}

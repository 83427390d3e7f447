/**
 * Makes a check that every server answers with the same bytes: contenders that do different work
 * are not compared. Each is asked twice, since a cache answers the second time by other means.
 */
export function sameBodyCheck(): (contender: string, url: URL) => Promise<void> {
  const expected = new Map<string, string>()
  return async (contender, url) => {
    for (const time of ['first', 'second']) {
      const body = await (await fetch(url)).text()
      const first = expected.get(url.pathname)
      if (first === undefined) expected.set(url.pathname, body)
      else if (body !== first) {
        throw new Error(
          `${contender}: its ${time} answer at ${url.pathname} differs: ${body.slice(0, 200)}`,
        )
      }
    }
  }
}

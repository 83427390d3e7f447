/**
 * Makes a check that every server answers with the same bytes: contenders that do different work
 * are not compared. Each is asked twice, since a cache answers the second time by other means. Then
 * the coding must be the same too; the first time a cache may not have compressed its answer yet.
 */
export function sameBodyCheck(): (
  contender: string,
  url: URL,
  headers?: Readonly<Record<string, string>>,
) => Promise<void> {
  const expected = new Map<string, string>()
  const expectSame = (key: string, value: string, about: string): void => {
    const first = expected.get(key)
    if (first === undefined) expected.set(key, value)
    else if (value !== first) throw new Error(`${about} differs: ${value.slice(0, 200)}`)
  }
  return async (contender, url, headers = {}) => {
    for (const time of ['first', 'second']) {
      const response = await fetch(url, { headers })
      const about = `${contender}: its ${time} answer at ${url.pathname}`
      expectSame(`body of ${url.pathname}`, await response.text(), about)
      if (time === 'first') continue
      const coding = response.headers.get('content-encoding') ?? 'identity'
      const offered = headers['accept-encoding'] ?? ''
      expectSame(`coding of ${url.pathname} for ${offered}`, coding, `the coding of ${about}`)
    }
  }
}

import type { Bench } from '../kit/bench.ts'
import { cachedRoute } from '../kit/cached-route.ts'
import cachedRouteBench from './cached-route.ts'

const bench: Bench = {
  ...cachedRouteBench,
  title: `${cachedRouteBench.title}: a small answer`,
  workloads: { post: cachedRoute('two posts', '/post') },
  claims: [],
}

export default bench

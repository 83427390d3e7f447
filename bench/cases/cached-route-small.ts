import cachedRouteBench, { cachedRoute } from './cached-route.ts'
import type { Bench } from '../kit/bench.ts'

const bench: Bench = {
  ...cachedRouteBench,
  title: `${cachedRouteBench.title}: a small answer`,
  workloads: { post: cachedRoute('two posts', '/post') },
  claims: [],
}

export default bench

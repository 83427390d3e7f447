import { expectTypeOf, test } from 'vitest'
import type { BatcherStats } from '../../src/batch/index.ts'
import type { CacheStats } from '../../src/cache/index.ts'
import type { CompressorStats } from '../../src/compress/public.ts'
import type { ResponseCacheStats } from '../../src/http/index.ts'
import type { LimiterStats, SharedLimiterStats, ShedderStats } from '../../src/limit/index.ts'
import type {
  CompressorFigures,
  LimiterFigures,
  ShedderFigures,
} from '../../src/measure/metrics-http.ts'
import type {
  CacheFigures,
  MemoFigures,
  ResponseCacheFigures,
} from '../../src/measure/metrics-memory.ts'
import type { PoolFigures } from '../../src/measure/metrics-pool.ts'
import type { TasksFigures, UploadsFigures } from '../../src/measure/metrics-tasks.ts'
import type { BatcherFigures, WorkersFigures } from '../../src/measure/metrics-work.ts'
import type { MemoStats } from '../../src/memo/public.ts'
import type { PoolStats } from '../../src/postgres/index.ts'
import type { TasksStats, UploadStoreStats } from '../../src/tasks/index.ts'
import type { WorkersStats } from '../../src/workers/index.ts'

// `measure` imports no other room: what it reads of their figures is written down twice.
test('what the exporters read is what the components tell', () => {
  expectTypeOf<BatcherStats>().toExtend<BatcherFigures>()
  expectTypeOf<CacheStats>().toExtend<CacheFigures>()
  expectTypeOf<CompressorStats>().toExtend<CompressorFigures>()
  expectTypeOf<LimiterStats>().toExtend<LimiterFigures>()
  expectTypeOf<MemoStats>().toExtend<MemoFigures>()
  expectTypeOf<PoolStats>().toExtend<PoolFigures>()
  expectTypeOf<ResponseCacheStats>().toExtend<ResponseCacheFigures>()
  expectTypeOf<SharedLimiterStats>().toExtend<LimiterFigures>()
  expectTypeOf<ShedderStats>().toExtend<ShedderFigures>()
  expectTypeOf<TasksStats>().toExtend<TasksFigures>()
  expectTypeOf<UploadStoreStats>().toExtend<UploadsFigures>()
  expectTypeOf<WorkersStats>().toExtend<WorkersFigures>()
})

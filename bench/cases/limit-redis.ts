import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Bench, CallersWorkload, Contender, Services, Subject } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { contenders, type Open } from '../limit/contenders.ts'

// So many that nobody is refused: a refusal costs hotpath no command, and would flatter it.
const quota = { limit: 1_000_000, windowMs: 60_000 }
const callers = 64
const hotKeys = 100
const coldKeys = 10_000
/** For which the commands are counted. */
const decisions = 100_000

const contender =
  (open: Open): Contender =>
  async ({ url, workload }): Promise<Subject> => {
    const { take, close } = await open(url('redis'), quota)
    const keys = Array.from({ length: coldKeys }, (_, at) => `${workload}:${at}`)
    let calls = 0
    return {
      call: async (at) => {
        // Between requests a server looks after its sockets and timers, even if no answer had to wait.
        if (++calls % callers === 0) await nextTurn()
        return take(keys[at] as string)
      },
      close,
    }
  }

function decisionsOn(about: string, keys: number, warmupMs: number): CallersWorkload {
  return {
    kind: 'callers',
    about,
    callers,
    inputs: Array.from({ length: keys }, (_, at) => at),
    check: (isAllowed) => isAllowed === true,
    warmupMs,
    sliceMs: 600,
  }
}

/** How many commands Redis was sent by each contender, for the same number of decisions. */
const commands = new Map<string, number>()

async function countCommands({ url }: Services): Promise<void> {
  const { createClient } = await import('redis')
  const counter = await createClient({ url: url('redis') }).connect()
  for (const [name, open] of Object.entries(contenders)) {
    const { take, close } = await open(url('redis'), quota)
    await counter.sendCommand(['CONFIG', 'RESETSTAT'])
    let made = 0
    const caller = async () => {
      while (made < decisions) {
        if (++made % callers === 0) await nextTurn()
        if (!(await take(`counted:${made % hotKeys}`))) throw new Error(`${name} has refused a use`)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    commands.set(name, topLevelCalls(await counter.info('commandstats')))
    await close()
  }
  counter.destroy()
  const rows = [...commands].map(([name, sent]) => [
    name,
    sent.toLocaleString('en-US'),
    `${((100 * sent) / decisions).toFixed(2)} %`,
  ])
  console.log(
    `\ncommands sent to Redis for ${decisions.toLocaleString('en-US')} decisions on ${hotKeys} hot keys\n${alignedTable([['contender', 'commands', 'of the decisions'], ...rows])}`,
  )
}

// Everybody decides by a script. What a script calls in Redis is counted there by the same names as
// what is sent, so only the scripts are: they are all that is sent.
function topLevelCalls(info: string): number {
  return [...info.matchAll(/^cmdstat_(?:eval|evalsha|script\|load):calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}

function commandsOf(name: string): number {
  return commands.get(name) ?? NaN
}

const bench: Bench = {
  title: 'decisions by a limit that processes share through Redis',
  settings: [
    `${quota.limit.toLocaleString('en-US')} uses of a key a minute, so that none is refused; ${callers} callers, each asks again when it is answered`,
    'the stores of the packages, without their middleware, each on one connection',
    `after every ${callers}th decision a turn of the event loop, also where nothing was waited for`,
    'hotpath waits for Redis as long as the others do, not for 20 ms at most, and with all of them ioredis is version 6',
    'hotpath takes uses of a hot key in advance and asks for up to 16 keys in one command (see the guide); the others send one for each decision',
    'commands: EVALSHA, EVAL and SCRIPT LOAD, by INFO commandstats; what a script calls is not counted',
  ],
  peers: ['rate-limiter-flexible', '@fastify/rate-limit', 'rate-limit-redis', 'ioredis', 'redis'],
  services: ['redis'],
  rounds: 3,
  processes: 'per-round',
  prepare: countCommands,
  workloads: {
    hot: decisionsOn(`${hotKeys} hot keys`, hotKeys, 400),
    cold: decisionsOn(`${coldKeys.toLocaleString('en-US')} cold keys, in turn`, coldKeys, 300),
  },
  contenders: Object.fromEntries(
    Object.entries(contenders).map(([name, open]) => [name, contender(open)]),
  ),
  baseline: 'rate-limiter-flexible, ioredis',
  claims: [
    {
      claim: 'hot keys: at least 5 times the decisions of rate-limiter-flexible, on ioredis',
      value: (figures) =>
        figures.ratio('hot', 'hotpath, ioredis', 'rate-limiter-flexible, ioredis', 'perSecond'),
      atLeast: 5,
    },
    {
      claim: 'hot keys: at most 5 % of the commands of rate-limiter-flexible',
      value: () =>
        Math.max(commandsOf('hotpath, ioredis'), commandsOf('hotpath, node-redis')) /
        commandsOf('rate-limiter-flexible, ioredis'),
      atMost: 0.05,
    },
    {
      claim: 'cold keys: no fewer decisions than with @fastify/rate-limit, on ioredis',
      value: (figures) =>
        figures.ratio('cold', 'hotpath, ioredis', '@fastify/rate-limit, ioredis', 'perSecond'),
      atLeast: 1,
    },
  ],
}

export default bench

/**
 * The share of those that have to wait when `load` servers would be busy on average and there are
 * `servers`: Erlang's second formula (A. K. Erlang, 1917), for arrivals by chance and service times that
 * vary as usual (M/M/c). 1 where the load is more than they can do.
 */
export function waitingRatio(servers: number, load: number): number {
  if (load >= servers) return 1
  let blocked = 1
  for (let count = 1; count <= servers; count++) {
    blocked = (load * blocked) / (count + load * blocked)
  }
  return blocked / (1 - (load / servers) * (1 - blocked))
}

/**
 * The fewest servers with which at most `ratio` of the arrivals wait. For large loads this is the
 * square-root rule (S. Halfin and W. Whitt, 1981): the load, and a small multiple of its root to spare.
 */
export function serversFor(load: number, ratio: number): number {
  let servers = Math.max(1, Math.ceil(load))
  while (waitingRatio(servers, load) > ratio) servers++
  return servers
}

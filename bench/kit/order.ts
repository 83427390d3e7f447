/**
 * The contenders in the order in which a round (from 0) runs them: A B C, C A B, B C A. Each comes
 * first, in the middle and last equally often, so that what changes on the machine during a round
 * hits all of them.
 */
export function orderOfRound<T>(contenders: readonly T[], round: number): T[] {
  const shift = (contenders.length - (round % contenders.length)) % contenders.length
  return [...contenders.slice(shift), ...contenders.slice(0, shift)]
}

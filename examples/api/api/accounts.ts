/** The other sites of the network that a user may have an account on; each is a service of its own. */
export const sites = [
  'cooking',
  'travel',
  'gardening',
  'music',
  'chess',
  'history',
  'physics',
  'photography',
  'bicycles',
  'sound',
]

/** A user's account on another site. */
export interface Account {
  site: string
  reputation: number
}

/** What the network knows of a user, in the order of {@link sites}. */
export interface Accounts {
  accounts: Account[]
  /** The sites that did not answer: the page shows the others all the same. */
  unavailable: string[]
}

/** Where a site tells of one of its users. */
export function accountUrl(networkUrl: string, site: string, id: number): string {
  return `${networkUrl}/${site}/users/${id}`
}

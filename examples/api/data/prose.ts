import type { Random } from './random.ts'

// Words of both languages of the dump that this imitates, accents included, so that texts have
// characters of more than one byte.
const words =
  `accent adverb answer article aussi autre because between book boîte café cases certain chaque
  choice clause common comme context could current dialect différence doubt écrire édition école
  either élève encore english entendre être even évident example exact expression façon feminine
  first form français frequent gender grammar grand habitude hear heard hôtel idiom instead journal
  language lecture letter lettre lieu list literal longer maître manner masculine meaning même mean
  modern mot naïve native natural never noun often older ordre origin other où outside paragraph
  pattern pendant people perhaps phrase plural plutôt poem position possible preposition present
  pronoun pronunciation question quelque quite rather reading reason recent règle regional register
  remark réponse rhyme rule same seems sense sentence should silent simple singular slang sound
  source speaker spelling spoken still street subject suggest syllable tense their thing though time
  toujours tradition translate très typical usage usual variant verb version very vowel whether
  which while whole without word writer written year young`.split(/\s+/) as [string, ...string[]]

const topics =
  `grammar vocabulary pronunciation spelling etymology translation idioms tenses gender syntax
  punctuation register regional history poetry articles pronouns verbs adverbs prepositions accents
  dictionaries learning reading numbers names titles letters dates questions negation plurals`.split(
    /\s+/,
  )

const kinds = ['', '-basics', '-history', '-usage', '-errors', '-books', '-online', '-schools']

/** Every tag there is, the most used ones first. */
export const tagNames: readonly string[] = kinds.flatMap((kind) =>
  topics.map((topic) => `${topic}${kind}`),
)

const givenNames = `Adèle Ben Chloé Dinah Émile Farid Greta Hugo Inès Jonas Khadija Léo Maya Noël
  Olga Paul Quentin Rosa Zoé Tariq Ursula Victor Wanda Xavier Yann`.split(/\s+/) as [
  string,
  ...string[],
]
const familyNames = `Arnaud Blum Castel Dupré Evans Faure Girard Hallé Ivanov Jourdan Keller Lefèvre
  Moreau Nash Okafor Perrin Quint Roche Singh Tessier Unger Vidal Weber Young Zidi`.split(
  /\s+/,
) as [string, ...string[]]
const cities = [
  'Lyon, France',
  'Québec',
  'Genève',
  'Leeds, UK',
  'Dakar',
  'Namur',
  'Boston, MA',
] as [string, ...string[]]

/** Texts for a dump. All are ready to stand in an XML attribute; none holds one that is not. */
export class Prose {
  readonly #random: Random
  readonly #sentences: string[]

  constructor(random: Random) {
    this.#random = random
    // Sentences are made once and drawn again and again: a body is a handful of copies.
    this.#sentences = Array.from({ length: 2_000 }, () => this.#sentence())
  }

  /** HTML paragraphs of about `bytes`, written as in a dump: escaped, with `&#xA;` between. */
  body(bytes: number): string {
    let body = ''
    while (body.length < bytes) {
      body += '&lt;p&gt;'
      const until = body.length + Math.min(350, bytes - body.length)
      do body += this.#drawn()
      while (body.length < until)
      body += '&lt;/p&gt;&#xA;&#xA;'
    }
    return body
  }

  /** Plain sentences of about `bytes`. */
  text(bytes: number): string {
    let text = ''
    while (text.length < bytes) text += this.#drawn()
    return text
  }

  title(): string {
    const length = 4 + this.#random.below(9)
    return `${capitalised(this.#words(length))}?`
  }

  name(): string {
    const given = this.#random.pick(givenNames)
    return this.#random.chance(0.3)
      ? `${given.toLowerCase()}${this.#random.below(10_000)}`
      : `${given} ${this.#random.pick(familyNames)}`
  }

  city(): string {
    return this.#random.pick(cities)
  }

  #drawn(): string {
    return this.#sentences[this.#random.below(this.#sentences.length)] ?? ''
  }

  #sentence(): string {
    const start = capitalised(this.#words(3 + this.#random.below(8)))
    if (this.#random.chance(0.1)) return `${start} &quot;${this.#words(2)}&quot;. `
    return `${start}, ${this.#words(3 + this.#random.below(10))}. `
  }

  #words(count: number): string {
    return Array.from({ length: count }, () => this.#random.pick(words)).join(' ')
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

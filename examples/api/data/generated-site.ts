import type { DumpWriter } from './dump-writer.ts'
import { Prose, tagNames } from './prose.ts'
import { Random } from './random.ts'

/** Where the rows go. */
export interface SiteFiles {
  readonly users: DumpWriter
  readonly posts: DumpWriter
  readonly comments: DumpWriter
  readonly votes: DumpWriter
}

const firstDayMs = Date.UTC(2011, 7, 17)
const spanMs = Date.UTC(2025, 7, 17) - firstDayMs

// As measured on a real site of 781 posts (deviations that give its ninth deciles), but for the
// medians of texts: these are halved, so that a dump is written and loaded in seconds.
const questionBody = { median: 1_052 / 2, sigma: 0.84 }
const answerBody = { median: 813 / 2, sigma: 1.01 }
const commentText = { median: 164 / 2, sigma: 0.8, longest: 600 }
const views = { median: 94, sigma: 1.1 }
const longestBody = 22_000

// The most active author writes some hundred times as much as the median one.
const authorExponent = 0.8
const tagExponent = 1.05

/** A question-and-answer site in the making: its users first, then its posts as the years go by. */
export class GeneratedSite {
  readonly #userCount: number
  readonly #postCount: number
  readonly #random: Random
  readonly #prose: Prose
  readonly #awaitingAnswer: number[] = []
  #timeMs = firstDayMs

  constructor(size: { users: number; posts: number; seed: number }) {
    this.#userCount = size.users
    this.#postCount = size.posts
    this.#random = new Random(size.seed)
    this.#prose = new Prose(this.#random)
  }

  addUser({ users }: SiteFiles): void {
    const random = this.#random
    const rank = users.count
    const joinedMs = firstDayMs + (rank / this.#userCount) * spanMs
    const reputation = 1 + Math.floor(random.logNormal(110_000 / (rank + 1) ** 0.8, 0.7))
    let row = `Reputation="${reputation}" CreationDate="${time(joinedMs)}"`
    row += ` DisplayName="${this.#prose.name()}" LastAccessDate="${time(joinedMs + random.below(spanMs))}"`
    if (random.chance(0.4)) row += ` WebsiteUrl="https://www.example.org/~${rank + 1}"`
    if (random.chance(0.6)) row += ` Location="${this.#prose.city()}"`
    if (random.chance(0.6)) row += ` AboutMe="${this.#prose.body(random.logNormal(150, 0.9))}"`
    row += ` Views="${random.below(50)}" UpVotes="${random.below(40)}" DownVotes="0"`
    users.add(`${row} AccountId="${rank + 1}"`)
  }

  addPost(files: SiteFiles): void {
    const random = this.#random
    // Now and then two posts share their time, as after a migration from another site.
    if (!random.chance(0.02)) this.#timeMs += this.#pauseMs()

    const remaining = this.#postCount - files.posts.count
    const mustAnswer = this.#awaitingAnswer.length >= remaining
    if (mustAnswer || this.#awaitingAnswer.length > Math.min(500, this.#postCount / 20)) {
      this.#addAnswer(files)
    } else {
      this.#addQuestion(files, remaining - this.#awaitingAnswer.length - 1)
    }
  }

  #addQuestion(files: SiteFiles, mostAnswers: number): void {
    const random = this.#random
    const popularity = random.logNormal(1, views.sigma)
    const answers = Math.min(mostAnswers, random.chance(0.12) ? 0 : 1 + random.geometric(1.02))
    let row = `PostTypeId="1" ViewCount="${Math.ceil(views.median * popularity)}"`
    row += ` Title="${this.#prose.title()}" Tags="${this.#tags()}" AnswerCount="${answers}"`
    this.#write(files, row, random.logNormal(questionBody.median, questionBody.sigma), popularity)
    for (let i = 0; i < answers; i++) this.#awaitingAnswer.push(files.posts.count)
  }

  #addAnswer(files: SiteFiles): void {
    const random = this.#random
    const at = random.below(this.#awaitingAnswer.length)
    const question = this.#awaitingAnswer[at] ?? 1
    this.#awaitingAnswer[at] = this.#awaitingAnswer.at(-1) ?? question
    this.#awaitingAnswer.pop()
    const bytes = random.logNormal(answerBody.median, answerBody.sigma)
    this.#write(files, `PostTypeId="2" ParentId="${question}"`, bytes, random.logNormal(1, 0.9))
  }

  #write(files: SiteFiles, row: string, bodyBytes: number, popularity: number): void {
    const random = this.#random
    const up = Math.floor(0.9 * popularity)
    const down = random.chance(0.07) ? 1 : 0
    const comments = random.geometric(1)
    const body = this.#prose.body(Math.min(longestBody, bodyBytes))
    const when = time(this.#timeMs)
    files.posts.add(
      `${row} CreationDate="${when}" Score="${up - down}" Body="${body}"${this.#owner('OwnerUserId')}` +
        ` LastActivityDate="${when}" CommentCount="${comments}" ContentLicense="CC0"`,
    )
    const post = files.posts.count
    for (let i = 0; i < comments; i++) this.#addComment(files, post)
    const day = when.slice(0, 10)
    for (let i = 0; i < up + down; i++) {
      const type = i < up ? 2 : 3
      files.votes.add(`PostId="${post}" VoteTypeId="${type}" CreationDate="${day}T00:00:00.000"`)
    }
  }

  #addComment(files: SiteFiles, post: number): void {
    const random = this.#random
    const bytes = Math.min(
      commentText.longest,
      random.logNormal(commentText.median, commentText.sigma),
    )
    const when = time(this.#timeMs + random.below(86_400_000))
    files.comments.add(
      `PostId="${post}" Score="${random.geometric(0.3)}" Text="${this.#prose.text(bytes)}"` +
        ` CreationDate="${when}"${this.#owner('UserId')} ContentLicense="CC0"`,
    )
  }

  /** Early users write most; nobody writes before joining; some accounts are gone since. */
  #owner(attribute: string): string {
    if (this.#random.chance(0.03)) return ''
    const joined = Math.max(1, Math.floor(((this.#timeMs - firstDayMs) / spanMs) * this.#userCount))
    const rank = this.#random.zipf(Math.min(joined, this.#userCount), authorExponent)
    return ` ${attribute}="${rank + 1}"`
  }

  #tags(): string {
    const tags = new Set<string>()
    const count = 1 + this.#random.below(4)
    while (tags.size < count) {
      tags.add(tagNames[this.#random.zipf(tagNames.length, tagExponent)] ?? 'grammar')
    }
    return [...tags].map((tag) => `&lt;${tag}&gt;`).join('')
  }

  #pauseMs(): number {
    return Math.ceil(-Math.log(1 - this.#random.next()) * (spanMs / this.#postCount))
  }
}

/** As dumps write it: UTC without saying so. */
function time(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1)
}

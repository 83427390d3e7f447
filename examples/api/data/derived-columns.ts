import type { ClientBase } from 'pg'

// Each statement computes something that the dump does not say, or not in a way to be relied on.
const statements = [
  // The question of an answer may have been deleted since.
  `update posts answer
   set parent_id = null, status = 'hidden'
   where kind = 'answer'
     and not exists (
       select from posts question
       where question.id = answer.parent_id and question.kind = 'question'
     )`,

  `update posts question
   set answer_count = answers.count
   from (
     select parent_id, count(*) from posts where kind = 'answer' and status = 'published'
     group by parent_id
   ) answers
   where question.id = answers.parent_id`,

  `update users
   set question_count = written.questions, answer_count = written.answers
   from (
     select owner_id,
            count(*) filter (where kind = 'question') as questions,
            count(*) filter (where kind = 'answer') as answers
     from posts where status = 'published'
     group by owner_id
   ) written
   where users.id = written.owner_id`,

  `insert into question_tags (tag, created_at, question_id)
   select distinct tag, created_at, id
   from posts, unnest(tags) tag
   where kind = 'question' and status = 'published'
   order by tag, created_at, id`,

  // New votes come after those of the dump.
  `select setval(pg_get_serial_sequence('votes', 'id'), coalesce(max(id), 0) + 1, false) from votes`,
]

/** Fills what follows from the rows of a dump: counters, the tags' index, the next vote's id. */
export async function computeDerived(client: ClientBase, signal?: AbortSignal): Promise<void> {
  for (const statement of statements) {
    signal?.throwIfAborted()
    await client.query(statement)
  }
}

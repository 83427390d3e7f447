import type { Transaction } from 'hotpath/postgres'

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

  // A dump's own count includes what it leaves out; where it is right, no row is written again.
  `update posts question
   set answer_count = counted.answers
   from (
     select q.id, count(a.id) as answers
     from posts q left join posts a on a.parent_id = q.id and a.status = 'published'
     where q.kind = 'question'
     group by q.id
   ) counted
   where question.id = counted.id and question.answer_count <> counted.answers`,

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
   select tag, created_at, id
   from posts, unnest(tags) tag
   where kind = 'question' and status = 'published'`,

  // New votes come after those of the dump.
  `select setval(pg_get_serial_sequence('votes', 'id'), coalesce(max(id), 0) + 1, false) from votes`,
]

/** Fills what follows from the rows of a dump: counters, the tags' index, the next vote's id. */
export async function computeDerived(tx: Transaction): Promise<void> {
  for (const statement of statements) {
    await tx.query(statement)
  }
}

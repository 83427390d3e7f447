/** Rows of a page; one more is read, to know whether another page follows. */
export const pageSize = 20

const author = `u.id as "authorId", u.name as "authorName"`

const userColumns = `
  id, name, reputation, location, website, about, question_count as "questionCount",
  answer_count as "answerCount", created_at as "createdAt"`

const questionSummary = `
  q.id, q.title, q.tags, q.score, q.view_count as "viewCount", q.answer_count as "answerCount",
  q.created_at as "createdAt", ${author}`

/** The statements that the usual and the hotpath build share. The keys name them on the server. */
export const sql = {
  user: `select ${userColumns} from users where id = $1`,

  rename: `update users set name = $2 where id = $1 returning ${userColumns}`,

  /** One row, all null but for the author, tells a user without posts from none. */
  userPosts: `
    select p.id, p.kind, coalesce(p.parent_id, p.id) as "questionId",
           coalesce(p.title, q.title) as title, p.score, p.created_at as "createdAt", ${author}
    from users u
    left join lateral (
      select id, kind, parent_id, title, score, created_at
      from posts
      where owner_id = u.id and status = 'published' and (created_at, id) < ($2, $3)
      order by created_at desc, id desc
      limit ${pageSize + 1}
    ) p on true
    left join posts q on q.id = p.parent_id
    where u.id = $1
    order by p.created_at desc, p.id desc`,

  questions: `
    select ${questionSummary}
    from posts q left join users u on u.id = q.owner_id
    where q.kind = 'question' and q.status = 'published' and (q.created_at, q.id) < ($1, $2)
    order by q.created_at desc, q.id desc
    limit ${pageSize + 1}`,

  questionsByTag: `
    select ${questionSummary}
    from question_tags t
    join posts q on q.id = t.question_id
    left join users u on u.id = q.owner_id
    where t.tag = $1 and (t.created_at, t.question_id) < ($2, $3)
    order by t.created_at desc, t.question_id desc
    limit ${pageSize + 1}`,

  /** The question first, then its answers, the best first, each with its comments. */
  thread: `
    select p.id, p.kind, p.title, p.body, p.tags, p.score, p.view_count as "viewCount",
           p.created_at as "createdAt", ${author}, below.comments
    from posts p
    left join users u on u.id = p.owner_id
    cross join lateral (
      select json_agg(
               json_build_object('id', c.id, 'text', c.text, 'score', c.score,
                 'createdAt', c.created_at, 'authorId', u.id, 'authorName', u.name)
               order by c.created_at, c.id
             ) as comments
      from comments c left join users u on u.id = c.author_id
      where c.post_id = p.id
    ) below
    where (p.id = $1 or p.parent_id = $1) and p.status = 'published'
    order by p.parent_id is not null, p.score desc, p.id`,

  tagStats: `
    select t.tag,
           count(*)::integer as questions,
           count(*) filter (where q.answer_count = 0)::integer as unanswered,
           sum(q.answer_count)::integer as answers,
           sum(q.view_count)::float8 as views,
           count(distinct q.owner_id)::integer as askers,
           max(t.created_at) as "latestAt"
    from question_tags t join posts q on q.id = t.question_id
    group by t.tag
    order by questions desc, t.tag
    limit 50`,

  /** One text, a line for each question: as rows they would take several times as long to read. */
  questionTags: `
    select string_agg(array_to_string(tags, ' '), E'\\n') as questions
    from posts
    where kind = 'question' and status = 'published'`,

  /** How much there is. No route of this API changes it. */
  data: `
    select (select count(*) from users)::integer as users,
           (select count(*) from posts where kind = 'question' and status = 'published')::integer
             as questions,
           (select count(*) from posts where kind = 'answer' and status = 'published')::integer
             as answers,
           (select count(*) from comments)::integer as comments`,

  /** Counts a vote and keeps it, or neither; no row where there is no such question. */
  vote: `
    with voted as (
      update posts set score = score + $2
      where id = $1 and kind = 'question' and status = 'published'
      returning id, score
    ), kept as (
      insert into votes (post_id, type, created_at)
      select id, case $2 when 1 then 2 else 3 end, now() from voted
    )
    select id as "questionId", score from voted`,
}

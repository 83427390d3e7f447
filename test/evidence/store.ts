/** What the scenarios ask of a database, each library in its own words. */
export interface Store {
  users(limit: number): Promise<User[]>
  user(id: number): Promise<User | undefined>
  usersByIds(ids: number[]): Promise<User[]>
  usersIn(ids: number[]): Promise<User[]>
  rename(id: number, name: string): Promise<void>
  team(id: number): Promise<{ id: number; name: string } | undefined>
  posts(limit: number): Promise<Post[]>
  postsPage(limit: number, offset: number): Promise<Post[]>
  postsAfter(id: number, limit: number): Promise<Post[]>
  postsOf(authorId: number): Promise<Post[]>
  countPosts(authorId: number): Promise<number>
  hasPosts(authorId: number): Promise<boolean>
  commentsOf(postId: number): Promise<Comment[]>
  commentsOfAll(postIds: number[]): Promise<Comment[]>
  removeComments(postId: number): Promise<void>
  category(id: number): Promise<Category | undefined>
  categoriesIn(parentId: number): Promise<Category[]>
  log(userId: number, note: string): Promise<void>
  logAll(entries: { userId: number; note: string }[]): Promise<void>
  setting(tenant: string, key: string): Promise<string | undefined>
  nextJob(): Promise<{ id: number } | undefined>
  finishJob(id: number): Promise<void>
  /** Fails with 40001 on every attempt but each third. */
  transfer(id: number): Promise<void>
  ping(): Promise<void>
}

export interface User {
  id: number
  name: string
  team_id: number
}
export interface Post {
  id: number
  author_id: number
  title: string
}
export interface Comment {
  id: number
  post_id: number
  author_id: number
}
export interface Category {
  id: number
  parent_id: number | null
}

export const schema = `
  create table teams (id int primary key, name text not null);
  create table users (id int primary key, name text not null, team_id int not null);
  create table posts (id int primary key, author_id int not null, title text not null);
  create table comments (id int primary key, post_id int not null, author_id int not null);
  create table categories (id int primary key, parent_id int);
  create table logs (user_id int not null, note text not null);
  create table settings (tenant text, key text, value text, primary key (tenant, key));
  create table jobs (id int primary key, is_done boolean not null default false);
  create sequence attempts;
  create function transfer(id int) returns int language plpgsql as $$ begin
    if nextval('attempts') % 3 <> 0 then
      raise exception 'could not serialize access' using errcode = '40001';
    end if;
    return id;
  end $$;
  insert into teams select i, 'team ' || i from generate_series(1, 12) i;
  insert into users select i, 'user ' || i, 1 + i % 12 from generate_series(1, 40) i;
  insert into posts select i, 1 + (i * 7) % 40, 'post ' || i from generate_series(1, 120) i;
  insert into comments select i, 1 + (i * 11) % 120, 1 + i % 40 from generate_series(1, 300) i;
  insert into categories select i, nullif(i / 2, 0) from generate_series(1, 15) i;
  insert into settings select 'tenant ' || t, 'key ' || k, 'on'
    from generate_series(1, 9) t, generate_series(1, 9) k;
  insert into jobs select i from generate_series(1, 5000) i;
`

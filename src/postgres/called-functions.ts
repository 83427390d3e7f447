// The name and what may stand between it and its parenthesis. The text is searched as it is, literals
// and comments included: a name too many costs a look-up, one too few would be a mistake.
const space = String.raw`(?:\s|--[^\n]*\n|\/\*[^]*?\*\/)*`
const first = String.raw`a-z_\u0080-\uffff`
const name = String.raw`(?<![\w$\u0080-\uffff])([${first}][\w$\u0080-\uffff]*)(?=${space}\()`
const bare = new RegExp(name, 'gi')
const qualified = new RegExp(String.raw`\.${space}${name}`, 'gi')
const quoted = new RegExp(String.raw`"(?=([^"]+)"${space}\()`, 'g')
// Names that are written so that the patterns do not find them: with a quote inside, or with escapes.
const unreadable = /""|\bu&"/i

const keywords =
  'all and any array as between by case distinct else except exists filter from group having in ' +
  'intersect join lateral like ilike limit materialized not offset on or over recursive row select ' +
  'sets some then union using values when where with char decimal numeric varchar'
// Functions of PostgreSQL that a statement may call without a look-up: they only compute and read. An
// overload of one of these names that writes goes unnoticed, so only the most usual are here.
const readers =
  'abs array_agg array_length avg ceil clock_timestamp coalesce concat count current_setting date_trunc ' +
  'dense_rank extract first_value floor format gen_random_uuid generate_series greatest json_agg ' +
  'json_build_object jsonb_agg jsonb_build_object lag last_value lead least left length lower max min now ' +
  'nullif pg_backend_pid pg_sleep random rank replace right round row_number row_to_json string_agg ' +
  'substring sum to_char to_json to_jsonb to_regclass trim unnest upper'
const harmless = new Set(`${keywords} ${readers}`.split(' '))

/**
 * The names of the functions that a text may call, apart from PostgreSQL's own best known; undefined
 * where they cannot be read from it.
 */
export function calledFunctions(text: string): readonly string[] | undefined {
  if (unreadable.test(text)) return undefined
  const names = new Set<string>()
  for (const [, called = ''] of text.matchAll(bare)) {
    const folded = fold(called)
    if (!harmless.has(folded)) names.add(folded)
  }
  for (const [, called = ''] of text.matchAll(qualified)) names.add(fold(called))
  for (const [, called = ''] of text.matchAll(quoted)) names.add(called)
  return [...names]
}

// PostgreSQL folds the letters of ASCII and no others.
function fold(called: string): string {
  return called.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

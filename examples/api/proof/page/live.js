const box = document.getElementById('stats')

async function show() {
  if (document.hidden) return
  const answer = await fetch('/hotpath/stats')
  if (answer.ok) box.replaceChildren(...figuresOf(await answer.json()).map(cell))
}

function figuresOf(components) {
  const statsOf = (kind) => components.find((component) => component.kind === kind)?.stats ?? {}
  const cache = statsOf('response-cache')
  const pool = statsOf('pool')
  const budgets = statsOf('budgets')
  return [
    ['hits', cache.hits],
    ['misses', cache.misses],
    ['hit ratio', `${Math.round(100 * cache.hitRatio)} %`],
    ['queries', pool.queries],
    ['connections', pool.connections],
    ['budgets met', budgets.met],
    ['missed', budgets.missed],
  ]
}

function cell([name, value]) {
  const figure = document.createElement('b')
  figure.textContent = typeof value === 'number' ? value.toLocaleString('en') : value
  const label = document.createElement('span')
  label.textContent = name
  const box = document.createElement('div')
  box.append(figure, label)
  return box
}

// A server that has ended leaves the last figures standing.
const tick = () => show().catch(() => {})
void tick()
setInterval(() => void tick(), 1_000)

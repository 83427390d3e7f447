const box = document.getElementById('stats')
const show = async () => {
  if (document.hidden) return
  const answer = await fetch('/hotpath/stats')
  const figures = answer.ok ? pick(await answer.json()) : []
  box.replaceChildren(
    ...figures.map(([name, value]) => {
      const cell = document.createElement('div')
      const figure = document.createElement('b')
      const label = document.createElement('span')
      figure.textContent = value
      label.textContent = name
      cell.append(figure, label)
      return cell
    }),
  )
}
const pick = (stats) => []
show()
setInterval(() => show().catch(() => {}), 1000)

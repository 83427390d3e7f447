import mimeDb from 'mime-db'

const maxRecent = 200
const recent = new Map<string, boolean>()

/**
 * True for a media type whose bodies become smaller: texts, and what is made of texts. Images, films,
 * archives and web fonts are compressed already.
 */
export function isCompressibleType(contentType: string): boolean {
  const known = recent.get(contentType)
  if (known !== undefined) return known
  const [type = ''] = contentType.split(';', 1)
  const name = type.trim().toLowerCase()
  const isCompressible =
    mimeDb[name]?.compressible ??
    (name.startsWith('text/') || /[+](?:json|xml|text|yaml)$/.test(name))
  if (contentType.length > 100) return isCompressible
  if (recent.size >= maxRecent) recent.clear()
  recent.set(contentType, isCompressible)
  return isCompressible
}

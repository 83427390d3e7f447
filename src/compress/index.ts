export { contentCodings, encode, type ContentCoding } from './encode.ts'
export { acceptableCodings, canonicalAccept } from './negotiate.ts'

import { readFileSync, writeFileSync } from 'node:fs'

/** The most memory that this process has held since {@link resetPeakRss}, or since its start. */
export function peakRssBytes(): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kibibytes !== undefined) return Number(kibibytes) * 1_024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1_024
}

/** Lowers the peak to what is held now. Only Linux can: elsewhere the peak counts from the start. */
export function resetPeakRss(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Not Linux.
  }
}

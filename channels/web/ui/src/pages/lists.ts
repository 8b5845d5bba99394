// A list of the daemon: where a page of it is, and pages put together. Pure.

export function addressOf(at: string, query: Record<string, string>): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  return filled.length ? `${at}?${new URLSearchParams(filled)}` : at;
}

// Rows of one list: what was read later stands behind, and nothing twice.
export function joined<T>(first: T[], later: T[], idOf: (row: T) => string): T[] {
  const known = new Set(first.map(idOf));
  return [...first, ...later.filter((row) => !known.has(idOf(row)))];
}

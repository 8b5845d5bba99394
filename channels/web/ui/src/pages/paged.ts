// Lists that the daemon filters and cuts into pages. What is asked for stands in the address.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api';
import { guarded } from '../store';
import { addressOf, joined } from './lists';
import { useLoaded } from './shared';

const PAGE = 50;
const PAGE_MAX = 200; // of the daemon

interface Part<T> {
  about: string; // of which list
  rows: T[];
  next: string | null; // cursor of what follows
}

export interface Paged<T> {
  rows: T[] | null;
  error: string | null;
  again: () => void;
  more: (() => void) | null; // null: these are all
}

// `key` is what the daemon calls the rows. What is seen is read again as one page, as far as one goes.
export function usePaged<T>(at: string, key: string, query: Record<string, string>, idOf: (row: T) => string, everyMs = 0): Paged<T> {
  const about = addressOf(at, query);
  const [later, setLater] = useState<Part<T> | null>(null);
  const seen = useRef({ about, n: 0 });
  const read = async (limit: number, cursor = ''): Promise<Part<T>> => {
    const page = await call<Record<string, T[]> & { next_cursor: string | null }>(
      'GET', addressOf(at, { ...query, limit: String(limit), cursor }));
    return { about, rows: page[key], next: page.next_cursor };
  };
  const asMany = (): number => (seen.current.about === about ? Math.min(PAGE_MAX, Math.max(PAGE, seen.current.n)) : PAGE);
  const { value: first, error, again } = useLoaded(() => read(asMany()), about, everyMs);
  const behind = first && later?.about === first.about ? later : null;
  const rows = first && joined(first.rows, behind?.rows ?? [], idOf);
  useEffect(() => {
    if (first && rows) seen.current = { about: first.about, n: rows.length };
  });
  if (!first || !rows) return { rows, error, again, more: null };
  const next = behind && rows.length > first.rows.length ? behind.next : first.next;
  const more = (): void => void guarded(async () => {
    const page = await read(PAGE, next ?? '');
    setLater({ ...page, rows: joined(behind?.rows ?? [], page.rows, idOf) });
  });
  return { rows, error, again, more: next && first.about === about ? more : null };
}

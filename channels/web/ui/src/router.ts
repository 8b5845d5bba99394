// What of the page is shown, by the address behind the "#": "#/s/ID" a conversation, "#/tasks/ID?q=x"
// a page. Everything that selects or filters stands there, so that it can be kept and sent on.
import { signal } from '@preact/signals';

export interface Place {
  page: string; // "chat", or the name of a page
  id: string; // of what the page shows; "" for all of it
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const match = /^#\/([a-z]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(hash);
  const [, page = '', id = '', query = ''] = match ?? [];
  let plain = id;
  try {
    plain = decodeURIComponent(id);
  } catch {
    // Not ours: it will not be found, and say so.
  }
  return { page: page === '' || page === 's' ? 'chat' : page, id: plain, query: new URLSearchParams(query) };
}

export function format(page: string, id = '', query: Record<string, string> = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  const tail = filled.length ? `?${new URLSearchParams(filled)}` : '';
  const name = page === 'chat' ? 's' : page;
  return page === 'chat' && !id ? `#/${tail}` : `#/${name}${id ? `/${encodeURIComponent(id)}` : ''}${tail}`;
}

export const place = signal<Place>(parse(location.hash));

export function go(page: string, id = '', query: Record<string, string> = {}): void {
  history.pushState(null, '', format(page, id, query));
  place.value = parse(location.hash);
}

// The same place, seen otherwise: not worth a step back.
export function refine(query: Record<string, string>): void {
  const now = place.value;
  history.replaceState(null, '', format(now.page, now.id, { ...Object.fromEntries(now.query), ...query }));
  place.value = parse(location.hash);
}

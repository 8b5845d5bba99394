// The list of conversations, as the daemon has it and as frames change it.
import { batch, effect } from '@preact/signals';
import { api } from './api';
import { guarded } from './line';
import * as offline from './offline';
import type { SessionInfo } from './protocol';
import { link, me, moreSessions, phase, sessions, sessionsLoaded } from './state';

const KEPT_SESSIONS = 100; // of the list, for when there is no daemon

// What is heard of conversations while their list is under way, which is older then; null: deleted.
const heard = new Set<Map<string, SessionInfo | null>>();

export async function refreshSessions(): Promise<void> {
  const meanwhile = new Map<string, SessionInfo | null>();
  heard.add(meanwhile);
  await guarded(async () => {
    const page = await api.sessions();
    const all = new Map([...page.sessions, ...(page.pinned ?? [])].map((s) => [s.id, s]));
    for (const [id, info] of meanwhile) {
      if (info) all.set(id, info);
      else all.delete(id);
    }
    batch(() => {
      sessions.value = newestFirst([...all.values()]);
      moreSessions.value = page.next_cursor;
      sessionsLoaded.value = true;
    });
  });
  heard.delete(meanwhile);
}

const newestFirst = (list: SessionInfo[]): SessionInfo[] => list.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));

export async function loadSessions(): Promise<void> {
  const cursor = moreSessions.value;
  if (!cursor) return;
  await guarded(async () => {
    const page = await api.sessions(cursor);
    const known = new Set(sessions.value.map((s) => s.id));
    batch(() => {
      sessions.value = [...sessions.value, ...page.sessions.filter((s) => !known.has(s.id))];
      moreSessions.value = page.next_cursor;
    });
  });
}

// Something happened in the session: it moves up, and `by` more of its turns are unfinished.
export function touch(id: string, by: number): void {
  const info = sessions.value.find((s) => s.id === id);
  if (!info || (by > 0 && !info.title)) {
    void guarded(async () => void (await askSession(id)));
    if (!info) return;
  }
  replaceInfo(id, {
    pending: Math.max(0, info.pending + by),
    updated_at: new Date().toISOString(),
  });
}

// Sessions that the daemon is asked about, and of which of them something was heard since.
const asked = new Map<string, Promise<SessionInfo>>();
const outdated = new Set<string>();

// What the daemon says of a session, and now in the list: asked until nothing was heard meanwhile.
export function askSession(id: string): Promise<SessionInfo> {
  const under = asked.get(id);
  if (under) {
    outdated.add(id);
    return under;
  }
  const answer = askAnew(id).finally(() => asked.delete(id));
  asked.set(id, answer);
  return answer;
}

async function askAnew(id: string): Promise<SessionInfo> {
  let info: SessionInfo;
  do {
    outdated.delete(id);
    info = await api.session(id);
  } while (outdated.has(id));
  asked.delete(id);
  replaceInfo(id, info);
  return info;
}

export function replaceInfo(id: string, change: Partial<SessionInfo>): void {
  if (asked.has(id)) outdated.add(id);
  const old = sessions.value.find((s) => s.id === id);
  if (!old && !change.id) return;
  const info = { ...old, ...change } as SessionInfo;
  const rest = sessions.value.filter((s) => s.id !== id);
  sessions.value = newestFirst([info, ...rest]);
  for (const meanwhile of heard) meanwhile.set(id, info);
}

export function isRunning(info: SessionInfo): boolean {
  return info.pending > 0;
}

// Written down as it is seen, for when the daemon cannot be reached.
effect(() => {
  if (phase.value !== 'ready' || link.value !== 'online' || !sessionsLoaded.value) return;
  void [sessions.value, me.value];
  offline.keepListSoon(() => ({ me: me.value, sessions: sessions.value.slice(0, KEPT_SESSIONS) }));
});

// It is gone, whatever a list that is under way says.
export function unlist(id: string): void {
  for (const meanwhile of heard) meanwhile.set(id, null);
  sessions.value = sessions.value.filter((s) => s.id !== id);
}

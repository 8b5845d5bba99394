// What was seen last, for when the daemon cannot be reached: the list of conversations, and the newest
// turns of those that were looked at. And the service worker, which keeps the page itself.
import type { Turn } from './conversation';
import { idb } from './idb';
import type { SessionInfo } from './protocol';

const CHATS_MAX = 30;
const PAUSE_MS = 200; // what changes again within it is written once
const IDLE_MS = 1000; // so long it waits for a moment in which nothing is drawn

export interface KeptList {
  me: { id: string; name: string; role: string } | null;
  sessions: SessionInfo[];
}
export interface KeptChat {
  info?: SessionInfo;
  turns: Turn[];
  complete: boolean; // these are all turns
}

const waiting = new Map<string, { timer: ReturnType<typeof setTimeout>; work: () => void }>();

function soon(key: string, work: () => void): void {
  clearTimeout(waiting.get(key)?.timer);
  waiting.set(key, { work, timer: setTimeout(() => whenIdle(() => now(key)), PAUSE_MS) });
}

// For what takes longer than a frame, such as copying a long conversation.
export function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(() => work(), { timeout: IDLE_MS });
  else setTimeout(work, IDLE_MS / 4);
}

function now(key: string): void {
  const found = waiting.get(key);
  drop(key);
  found?.work();
}

function drop(key: string): void {
  clearTimeout(waiting.get(key)?.timer);
  waiting.delete(key);
}

// Who leaves does not wait.
globalThis.addEventListener?.('pagehide', () => [...waiting.keys()].forEach(now));

export const keepListSoon = (list: () => KeptList): void => soon('list', () => void idb.put('history', 'list', list()));
export const keptList = (): Promise<KeptList | undefined> => idb.get<KeptList>('history', 'list');

let writing: Promise<unknown> = Promise.resolve(); // one after the other: they share the order

async function write(id: string, chat: KeptChat | null): Promise<void> {
  const order = ((await idb.get<string[]>('history', 'order')) ?? []).filter((one) => one !== id);
  if (chat) order.unshift(id);
  for (const old of order.splice(CHATS_MAX)) await idb.drop('history', `chat:${old}`);
  await idb.put('history', 'order', order);
  if (chat) await idb.put('history', `chat:${id}`, chat);
  else await idb.drop('history', `chat:${id}`);
}

export const keepChatSoon = (id: string, chat: () => KeptChat | null): void =>
  soon(`chat:${id}`, () => {
    const kept = chat();
    if (kept) writing = writing.then(() => write(id, kept));
  });

export function forgetChat(id: string): void {
  drop(`chat:${id}`);
  writing = writing.then(() => write(id, null));
}

export async function keptChat(id: string): Promise<KeptChat | undefined> {
  const found = await idb.get<KeptChat>('history', `chat:${id}`);
  return Array.isArray(found?.turns) ? found : undefined; // an older page kept something else
}

export function forget(): Promise<unknown> {
  for (const key of [...waiting.keys()]) drop(key);
  writing = writing.then(() => idb.clear('history'));
  return writing;
}

// The policy names what may become a worker: this file and nothing else.
export function startWorker(): void {
  if (!('serviceWorker' in navigator)) return;
  const policy = window.trustedTypes?.createPolicy('nexflow-sw', {
    createScriptURL: (url: string) => {
      if (url !== '/sw.js') throw new TypeError('not ours');
      return url;
    },
  });
  const url = policy?.createScriptURL('/sw.js') ?? '/sw.js';
  navigator.serviceWorker.register(url as string).catch(() => undefined); // without it the page needs the daemon
}

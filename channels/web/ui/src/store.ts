// What the page shows, as signals, and what a person can do. Ties the daemon's frames, the stored
// messages and the outbox together; draws nothing.
import { batch, computed, signal } from '@preact/signals';
import { ApiError, api } from './api';
import { decide, noticeApproval, refreshApprovals } from './approvals';
import { Connection, type Link } from './connection';
import { Conversation, isOver } from './conversation';
import { Outbox, type Unsent } from './outbox';
import { isRunEvent, type Accepted, type Models, type RunEvent, type ServerFrame, type SessionInfo } from './protocol';
import { DRAFT_PREFIX, settings, t } from './settings';
import { newId } from './ids';

const ACCEPT_TIMEOUT_MS = 10000;
const RESUME_PAUSE_MS = 300; // between two requests for what is missing
const MODELS_POLL_MS = 4000; // while there is no model
const EXCHANGE_TRIES = 60;
const EXCHANGE_PAUSE_MS = 1000;

export type Phase = 'starting' | 'signed-out' | 'bad-link' | 'ready';

export const phase = signal<Phase>('starting');
export const link = signal<Link>('connecting');
export const me = signal<{ id: string; name: string; role: string } | null>(null);
export const models = signal<Models | null>(null);
export const sessions = signal<SessionInfo[]>([]);
export const sessionsLoaded = signal(false);
export const moreSessions = signal<string | null>(null); // cursor of the list's next page
export const problem = signal<string | null>(null);
export const spoken = signal<
  '' | 'answering' | 'answerDone' | 'answerStopped' | 'answerFailed' | 'approvalAsks'>('');
export const place = signal<'chat' | 'skills'>('chat'); // what is shown of the whole
// The chat that is shown: a session's id, or "new:..." for one that has no session yet.
export const current = signal(newChatName());
// Grows when something in the shown conversation changed.
export const revision = signal(0);
export const unsent = signal<Unsent[]>([]);
export const loadingOlder = signal(false);

const conversations = new Map<string, Conversation>();
const loading = new Map<string, Promise<void>>();
const resumedAt = new Map<string, number>();
const outbox = new Outbox(settings.storage);
let sentAt = new Map<string, number>();
let frameRequested = false;

export const isNew = computed(() => current.value.startsWith('new:'));
export const currentInfo = computed(() => sessions.value.find((s) => s.id === current.value));

export function conversation(): Conversation | undefined {
  return conversations.get(current.value);
}

function newChatName(): string {
  return `new:${newId()}`;
}

const connection = new Connection(
  `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
  { onState: onLink, onFrame, probe },
);

// Draw at most once per frame, however fast the events come.
function changed(): void {
  if (frameRequested) return;
  frameRequested = true;
  const draw = (): void => {
    frameRequested = false;
    revision.value++;
  };
  if (document.hidden) setTimeout(draw, 100);
  else requestAnimationFrame(draw);
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// Run it; what goes wrong is shown, and a lost sign-in is acted upon.
export async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) signedOut();
    else if (error instanceof ApiError) problem.value = error.message;
    else if (link.value === 'online') problem.value = explain(error);
  }
}

/* ---- signing in ---- */

export async function start(): Promise<void> {
  addEventListener('hashchange', () => void followHash());
  addEventListener('online', () => connection.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    connection.retryNow();
    if (link.value === 'online') void refreshSessions();
  });
  addEventListener('storage', (event) => {
    if (!outbox.follow(event.key, event.newValue)) return;
    unsent.value = outbox.list();
  });
  setInterval(checkAccepted, 1000);
  setInterval(() => {
    if (link.value === 'online' && models.value?.models.length === 0) void refreshModels();
  }, MODELS_POLL_MS);
  unsent.value = outbox.list();
  current.value = unsent.value.find((item) => !item.sessionId)?.chat ?? current.value;
  await followHash();
  if (phase.value === 'starting') connection.start();
}

// "#t=TOKEN" signs in and leaves the address bar at once; "#/s/ID" names a session.
async function followHash(): Promise<void> {
  const hash = location.hash;
  if (hash.startsWith('#t=')) {
    history.replaceState(null, '', location.pathname);
    await exchange(decodeURIComponent(hash.slice(3)));
    return;
  }
  place.value = hash === '#/skills' ? 'skills' : 'chat';
  if (place.value === 'skills') return;
  const match = /^#\/s\/([0-9a-z]+)$/.exec(hash);
  if (match && match[1] !== current.value) void show(match[1]);
  else if (!match && !isNew.value) current.value = newChatName();
}

async function exchange(token: string): Promise<void> {
  connection.stop();
  if (!(await redeem(token)) && (await probe()) !== 'ok') {
    phase.value = 'bad-link';
    return;
  }
  phase.value = 'starting';
  link.value = 'connecting';
  connection.start();
}

// The token is in memory only by now: a daemon that does not answer is waited for.
async function redeem(token: string): Promise<boolean> {
  for (let i = 0; i < EXCHANGE_TRIES; i++) {
    try {
      await api.exchange(token);
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false;
      await new Promise((resolve) => setTimeout(resolve, EXCHANGE_PAUSE_MS));
    }
  }
  return false;
}

async function probe(): Promise<'ok' | 'signed-out' | 'unreachable'> {
  try {
    me.value = await api.me();
    return 'ok';
  } catch (error) {
    const denied = error instanceof ApiError && (error.status === 401 || error.status === 403);
    return denied ? 'signed-out' : 'unreachable';
  }
}

function signedOut(): void {
  connection.stop();
  phase.value = 'signed-out';
}

export async function signOut(): Promise<void> {
  await guarded(() => api.logout());
  conversations.clear();
  outbox.clear();
  settings.forget(DRAFT_PREFIX);
  batch(() => {
    unsent.value = [];
    sessions.value = [];
    current.value = newChatName();
  });
  history.replaceState(null, '', location.pathname);
  signedOut();
}

/* ---- the connection ---- */

function onLink(state: Link): void {
  batch(() => {
    link.value = state;
    if (state === 'signed-out') phase.value = 'signed-out';
    else phase.value = 'ready';
  });
  if (state !== 'online') return;
  resumedAt.clear();
  sentAt = new Map();
  for (const [id, chat] of conversations) {
    if (chat.loaded) {
      resume(chat);
      void reload(id);
    }
  }
  flush();
  void refreshSessions();
  void refreshModels();
  void guarded(refreshApprovals);
  if (!isNew.value && !conversations.get(current.value)?.loaded) void open(current.value);
}

function resume(chat: Conversation): void {
  const now = performance.now();
  if (now - (resumedAt.get(chat.id) ?? -Infinity) < RESUME_PAUSE_MS) return;
  const sent = connection.send({ type: 'resume', session_id: chat.id, after: chat.after() });
  if (sent) resumedAt.set(chat.id, now);
}

function onFrame(frame: ServerFrame): void {
  if (isRunEvent(frame)) return onRunEvent(frame);
  switch (frame.type) {
    case 'accepted':
      return onAccepted(frame);
    case 'error':
      return onError(frame.message, frame.message_id);
    case 'cancelled':
      conversations.get(frame.session_id)?.cancelled(frame.run_id);
      touch(frame.session_id, -1);
      return changed();
    case 'approval':
      if (noticeApproval(frame.approval)) spoken.value = 'approvalAsks';
      return;
    case 'CUSTOM':
      if (conversations.get(frame.session_id)?.meanwhile(frame) === 'changed') changed();
      return;
    case 'session':
      if (frame.deleted) forget(frame.session_id);
      else replaceInfo(frame.session_id, { title: frame.title ?? '' });
      return;
    default:
  }
}

function onRunEvent(event: RunEvent): void {
  const ended = event.type === 'RUN_FINISHED' || event.type === 'RUN_ERROR';
  const chat = conversations.get(event.session_id);
  if (!chat?.loaded) {
    if (ended) touch(event.session_id, -1);
    return;
  }
  const applied = chat.apply(event);
  if (applied === 'gap') return resume(chat);
  if (applied === 'known') return;
  if (ended) touch(event.session_id, -1);
  if (chat.id === current.value) speak(event);
  if (ended && chat.hasTools(event.run_id)) void howItRan(event.run_id);
  changed();
}

// What the daemon measured of a run's calls; without it a card just says less.
export async function howItRan(run: string): Promise<void> {
  const chat = conversation();
  const steps = await api.steps(run).catch(() => []);
  chat?.ran(run, steps);
  changed();
}

function speak(event: RunEvent): void {
  if (event.type === 'RUN_STARTED') spoken.value = 'answering';
  else if (event.type === 'RUN_ERROR') spoken.value = 'answerFailed';
  else if (event.type === 'RUN_FINISHED') spoken.value = event.stopped ? 'answerStopped' : 'answerDone';
}

export function decideApproval(id: string, allow: boolean, reason: string): Promise<void> {
  return guarded(() => decide(id, allow, reason));
}

function onAccepted(frame: Accepted): void {
  const mine = outbox.accepted(frame.message_id, frame.session_id);
  sentAt.delete(frame.message_id);
  batch(() => {
    if (mine && mine.chat === current.value && mine.sessionId === null) becomeSession(frame.session_id);
    const chat = conversations.get(frame.session_id);
    if (chat) chat.accepted({ ...frame, content: frame.content ?? mine?.content ?? '' });
    unsent.value = outbox.list();
  });
  if (!frame.duplicate) touch(frame.session_id, 1);
  flush();
  changed();
}

// The new chat on the screen got its session: nothing of it is stored that we do not know.
function becomeSession(id: string): void {
  if (!conversations.has(id)) {
    const chat = new Conversation(id);
    chat.loaded = true;
    conversations.set(id, chat);
    resume(chat);
  }
  settings.set(`${DRAFT_PREFIX}${id}`, settings.get(`${DRAFT_PREFIX}new`));
  settings.set(`${DRAFT_PREFIX}new`, null);
  current.value = id;
  history.replaceState(null, '', `#/s/${id}`);
}

function onError(message: string, messageId?: string): void {
  if (messageId && outbox.get(messageId)) {
    outbox.fail(messageId, message);
    sentAt.delete(messageId);
    unsent.value = outbox.list();
  } else {
    problem.value = message;
  }
}

/* ---- messages ---- */

export function send(content: string): void {
  const sessionId = isNew.value ? null : current.value;
  outbox.add({ messageId: newId(), chat: current.value, sessionId, content, at: Date.now() });
  unsent.value = outbox.list();
  flush();
}

export function retry(messageId: string): void {
  outbox.fail(messageId, undefined);
  unsent.value = outbox.list();
  flush();
}

export function discard(messageId: string): void {
  outbox.remove(messageId);
  unsent.value = outbox.list();
}

function flush(): void {
  for (const item of outbox.sendable()) {
    if (sentAt.has(item.messageId)) continue;
    const sent = connection.send({
      type: 'user_message',
      message_id: item.messageId,
      ...(item.sessionId ? { session_id: item.sessionId } : {}),
      content: item.content,
    });
    if (sent) sentAt.set(item.messageId, performance.now());
  }
}

// A socket that takes messages and never answers is dead, whatever the browser thinks of it.
function checkAccepted(): void {
  const now = performance.now();
  for (const at of sentAt.values()) {
    if (now - at > ACCEPT_TIMEOUT_MS) {
      sentAt = new Map();
      return connection.restart();
    }
  }
}

export function stop(): void {
  const chat = conversation();
  if (chat?.active()) connection.send({ type: 'stop', session_id: chat.id });
}

/* ---- sessions ---- */

export function showSkills(): void {
  place.value = 'skills';
  problem.value = null;
  history.pushState(null, '', '#/skills');
}

export function newChat(): void {
  place.value = 'chat';
  current.value = newChatName();
  problem.value = null;
  history.pushState(null, '', location.pathname);
}

export function select(id: string): void {
  history.pushState(null, '', `#/s/${id}`);
  void show(id);
}

async function show(id: string): Promise<void> {
  batch(() => {
    place.value = 'chat';
    current.value = id;
    spoken.value = '';
    problem.value = null;
  });
  if (link.value === 'online') await open(id);
}

function open(id: string): Promise<void> {
  const known = conversations.get(id);
  if (known?.loaded) {
    changed();
    return Promise.resolve();
  }
  let running = loading.get(id);
  if (!running) {
    running = guarded(() => load(id)).finally(() => loading.delete(id));
    loading.set(id, running);
  }
  return running;
}

async function load(id: string): Promise<void> {
  try {
    // In this order: what ends in between is in the messages and among the events, not in neither.
    const info = await api.session(id);
    const page = await api.messages(id);
    const chat = new Conversation(id, info.resume_after);
    chat.addPage(page, false);
    chat.setPending(info.pending);
    conversations.set(id, chat);
    replaceInfo(id, info);
    resume(chat);
    changed();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    forget(id);
    problem.value = t('notFound');
  }
}

// What other tabs and channels wrote while we were away.
async function reload(id: string): Promise<void> {
  await guarded(async () => {
    const info = await api.session(id);
    const page = await api.messages(id);
    const chat = conversations.get(id);
    if (!chat) return;
    chat.addPage(page, false);
    chat.setPending(info.pending);
    changed();
  });
}

export async function loadOlder(): Promise<void> {
  const chat = conversation();
  if (!chat?.older || loadingOlder.value) return;
  loadingOlder.value = true;
  await guarded(async () => {
    chat.addPage(await api.messages(chat.id, chat.older), true);
    revision.value++;
  });
  loadingOlder.value = false;
}

async function refreshSessions(): Promise<void> {
  await guarded(async () => {
    const page = await api.sessions();
    batch(() => {
      sessions.value = page.sessions;
      moreSessions.value = page.next_cursor;
      sessionsLoaded.value = true;
    });
  });
}

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

async function refreshModels(): Promise<void> {
  await guarded(async () => {
    models.value = await api.models();
  });
}

// Something happened in the session: it moves up, and `by` more of its turns are unfinished.
function touch(id: string, by: number): void {
  const info = sessions.value.find((s) => s.id === id);
  if (!info || (by > 0 && !info.title)) {
    void guarded(async () => replaceInfo(id, await api.session(id)));
    if (!info) return;
  }
  replaceInfo(id, {
    pending: Math.max(0, info.pending + by),
    updated_at: new Date().toISOString(),
  });
}

function replaceInfo(id: string, change: Partial<SessionInfo>): void {
  const old = sessions.value.find((s) => s.id === id);
  if (!old && !change.id) return;
  const info = { ...old, ...change } as SessionInfo;
  const rest = sessions.value.filter((s) => s.id !== id);
  sessions.value = [info, ...rest].sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
}

function forget(id: string): void {
  conversations.delete(id);
  sessions.value = sessions.value.filter((s) => s.id !== id);
  if (current.value === id) newChat();
}

export async function rename(id: string, title: string): Promise<void> {
  await guarded(async () => replaceInfo(id, await api.rename(id, title)));
}

export async function remove(id: string): Promise<void> {
  await guarded(async () => {
    await api.remove(id);
    forget(id);
  });
}

export function isRunning(info: SessionInfo): boolean {
  return info.pending > 0;
}

export const running = computed(() => {
  void revision.value;
  void current.value;
  return conversation()?.turns.some((turn) => !isOver(turn)) ?? false;
});

// The conversations that were looked at: read, kept for when there is no daemon, shown.
import { batch, computed, signal } from '@preact/signals';
import { ApiError, api } from './api';
import { Conversation, isOver, type Turn } from './conversation';
import { connection, guarded } from './line';
import * as offline from './offline';
import type { Accepted, MessagePage } from './protocol';
import { go } from './router';
import { askSession, replaceInfo, unlist } from './sessionList';
import { t } from './settings';
import {
  changed, current, isNew, link, loadingOlder, me, newChatName, newModel, phase, problem, revision, sessions, sessionsLoaded, spoken,
} from './state';

const RESUME_PAUSE_MS = 300; // between two requests for what is missing
const KEPT_TURNS = 50;
export const conversations = new Map<string, Conversation>();
const loading = new Map<string, Promise<void>>();
export const early = new Map<string, Accepted[]>(); // accepted while their conversation is being read
export const resumedAt = new Map<string, number>();

export function conversation(): Conversation | undefined {
  return conversations.get(current.value);
}

const resumesLater = new Set<string>();

// Not too often; but what is missing now may be all that comes for long, and is asked for in any case.
export function resume(chat: Conversation): void {
  const now = performance.now();
  const wait = (resumedAt.get(chat.id) ?? -Infinity) + RESUME_PAUSE_MS - now;
  if (wait > 0) return resumeLater(chat.id, wait);
  const sent = connection.send({ type: 'resume', session_id: chat.id, after: chat.after() });
  if (sent) resumedAt.set(chat.id, now);
}

function resumeLater(id: string, wait: number): void {
  if (resumesLater.has(id)) return;
  resumesLater.add(id);
  setTimeout(() => {
    resumesLater.delete(id);
    const chat = conversations.get(id);
    if (chat && !chat.kept) resume(chat);
  }, wait);
}

export function newChat(): void {
  current.value = newChatName();
  newModel.value = null;
  problem.value = null;
  go('chat');
}

// `seq`: of the message to be shown of it.
export function select(id: string, seq?: number): void {
  go('chat', id);
  void show(id).then(() => (seq === undefined ? undefined : showMessage(id, seq)));
}

// The message that shall be looked at: what draws the conversation scrolls there.
export const target = signal<{ runId: string } | null>(null);

async function showMessage(id: string, seq: number): Promise<void> {
  const chat = conversations.get(id);
  if (!chat) return;
  while (chat.older && (chat.turns[0]?.seq ?? 0) > seq && current.value === id) await loadOlder();
  const turn = chat.turns.findLast((one) => one.seq <= seq);
  if (!turn || current.value !== id) return;
  if (!chat.shown().includes(turn)) chat.choose(turn);
  target.value = { runId: turn.runId };
  changed();
}

export async function show(id: string): Promise<void> {
  batch(() => {
    current.value = id;
    spoken.value = '';
    problem.value = null;
  });
  if (link.value === 'online') await open(id);
  else await openKept(id);
}

// Without the daemon: what was read before. It is read anew once there is a line.
async function openKept(id: string): Promise<void> {
  if (conversations.get(id)?.loaded) return changed();
  const found = await offline.keptChat(id);
  if (!found || conversations.has(id)) return;
  const chat = new Conversation(id);
  chat.showKept(found.turns, found.complete);
  conversations.set(id, chat);
  if (found.info) replaceInfo(id, found.info);
  changed();
}

// Write down what is seen of it, for when the daemon cannot be reached.
export function keep(id: string): void {
  offline.keepChatSoon(id, () => {
    const chat = conversations.get(id);
    if (!chat || chat.kept || phase.value !== 'ready') return null;
    return { info: sessions.value.find((s) => s.id === id), ...chat.seen(KEPT_TURNS) };
  });
}

export async function readKept(): Promise<void> {
  const list = await offline.keptList();
  if (!list || sessionsLoaded.value || link.value === 'online') return;
  batch(() => {
    me.value ??= list.me;
    sessions.value = list.sessions;
    sessionsLoaded.value = true;
  });
  if (!isNew.value) await openKept(current.value);
}

export function open(id: string): Promise<void> {
  const known = conversations.get(id);
  if (known && !known.kept) {
    changed();
    return Promise.resolve();
  }
  let running = loading.get(id);
  if (!running) {
    early.set(id, []);
    running = guarded(() => load(id)).finally(() => {
      loading.delete(id);
      early.delete(id);
    });
    loading.set(id, running);
  }
  return running;
}

async function load(id: string): Promise<void> {
  try {
    // In this order: what ends in between is in the messages and among the events, not in neither.
    const info = await askSession(id);
    const page = await api.messages(id);
    const chat = new Conversation(id, info.resume_after);
    chat.addPage(page, false);
    chat.setPending(info.pending);
    for (const frame of early.get(id) ?? []) chat.accepted(frame);
    const seen = conversations.get(id);
    if (seen) chat.goOnFrom(seen);
    conversations.set(id, chat);
    resume(chat);
    changed();
    keep(id);
    void readUsage(chat, page, null);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    forget(id);
    problem.value = t('notFound');
  }
}

// What the turns of a page used. Without it an answer just says less.
async function readUsage(chat: Conversation, page: MessagePage, before: string | null): Promise<void> {
  const runs = new Set(page.messages.map((m) => m.run_id)).size;
  if (!runs) return;
  const turns = await api.turns(chat.id, Math.min(200, runs + 1), before).catch(() => []);
  for (const turn of turns) chat.used(turn.id, turn.usage);
  changed();
}

// What other tabs and channels wrote while we were away.
export async function reload(id: string): Promise<void> {
  await guarded(async () => {
    const info = await api.session(id);
    const page = await api.messages(id);
    const chat = conversations.get(id);
    if (!chat) return;
    chat.addPage(page, false);
    chat.setPending(info.pending);
    changed();
    keep(id);
  });
}

export async function loadOlder(): Promise<void> {
  const chat = conversation();
  if (!chat?.older || loadingOlder.value) return;
  loadingOlder.value = true;
  await guarded(async () => {
    const before = chat.turns[0]?.runId ?? null;
    const page = await api.messages(chat.id, chat.older);
    chat.addPage(page, true);
    revision.value++;
    void readUsage(chat, page, before);
  });
  loadingOlder.value = false;
}

export function forget(id: string): void {
  conversations.delete(id);
  offline.forgetChat(id);
  unlist(id);
  if (current.value === id) newChat();
}

export function chooseVersion(turn: Turn): void {
  conversation()?.choose(turn);
  revision.value++;
}

export function lastQuestion(): Turn | undefined {
  return conversation()?.shown().findLast((turn) => turn.user);
}

// What the daemon measured of a run's calls; without it a card just says less.
export async function howItRan(run: string): Promise<void> {
  const chat = conversation();
  const steps = await api.steps(run).catch(() => []);
  chat?.ran(run, steps);
  changed();
}

export const running = computed(() => {
  void revision.value;
  void current.value;
  return conversation()?.turns.some((turn) => !isOver(turn)) ?? false;
});

// Ties the daemon's frames, the stored messages and the outbox together: what the page shows is in
// state.ts, and what a person can do in the files that are named here too.
import { batch } from '@preact/signals';
import { ApiError, api } from './api';
import { decide, noticeApproval, refreshApprovals } from './approvals';
import * as attachments from './attachments';
import type { Link } from './connection';
import { conversations, forget, howItRan, keep, open, readKept, reload, resume, resumedAt, show } from './conversations';
import { connection, follower, guarded, probe, signedOut } from './line';
import * as offline from './offline';
import { isRunEvent, type RunEvent, type ServerFrame } from './protocol';
import { parse, place } from './router';
import { checkAccepted, onAccepted, onError, outbox, sendAgain } from './sending';
import { refreshSessions, replaceInfo, touch } from './sessionList';
import { DRAFT_PREFIX, refused, settings } from './settings';
import { changed, current, isNew, link, models, newChatName, phase, sessions, sessionsLoaded, spoken, unsent } from './state';

export * from './state';
export { guarded } from './line';
export { isRunning, loadSessions, replaceInfo } from './sessionList';
export {
  chooseVersion, conversation, forget, howItRan, lastQuestion, loadOlder, newChat, running, select, target,
} from './conversations';
export { discard, retry, send, sendVersion, stop } from './sending';

const MODELS_POLL_MS = 4000; // while there is no model
const EXCHANGE_TRIES = 60;
const EXCHANGE_PAUSE_MS = 1000;

// What others do as soon as there is a line.
const onlineWork: (() => void)[] = [];

// Also now, if there is one: the part of the page that asks may have been loaded later.
export function onOnline(work: () => void): void {
  onlineWork.push(work);
  if (link.value === 'online') work();
}

export async function start(): Promise<void> {
  Object.assign(follower, { onState: onLink, onFrame });
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
  place.value = parse(hash);
  const { page, id } = place.value;
  if (page !== 'chat') return;
  if (id && id !== current.value) void show(id);
  else if (!id && !isNew.value) current.value = newChatName();
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

export async function signOut(): Promise<void> {
  await guarded(() => api.logout());
  conversations.clear();
  outbox.clear();
  void attachments.dropAll();
  void offline.forget();
  settings.forget(DRAFT_PREFIX);
  settings.set('nexflow.role', null);
  batch(() => {
    unsent.value = [];
    sessions.value = [];
    current.value = newChatName();
  });
  history.replaceState(null, '', location.pathname);
  signedOut();
}

function onLink(state: Link): void {
  batch(() => {
    link.value = state;
    if (state === 'signed-out') phase.value = 'signed-out';
    else phase.value = 'ready';
  });
  if (state === 'offline' && !sessionsLoaded.value) void readKept();
  if (state !== 'online') return;
  resumedAt.clear();
  for (const [id, chat] of conversations) {
    if (chat.kept) continue;
    resume(chat);
    void reload(id);
  }
  sendAgain();
  for (const work of onlineWork) work();
  void refreshSessions();
  void refreshModels();
  void guarded(refreshApprovals);
  if (!isNew.value) void open(current.value);
}

function onFrame(frame: ServerFrame): void {
  if (isRunEvent(frame)) return onRunEvent(frame);
  switch (frame.type) {
    case 'accepted':
      return onAccepted(frame);
    case 'error':
      return onError(refused(frame), frame.message_id);
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
      else replaceInfo(frame.session_id, { title: frame.title ?? '', pinned: frame.pinned, model: frame.model });
      return;
    default:
  }
}

function onRunEvent(event: RunEvent): void {
  const ended = event.type === 'RUN_FINISHED' || event.type === 'RUN_ERROR';
  const chat = conversations.get(event.session_id);
  if (!chat?.loaded || chat.kept) {
    if (ended) touch(event.session_id, -1);
    return;
  }
  const applied = chat.apply(event);
  if (applied === 'gap') return resume(chat);
  if (applied === 'known') return;
  if (ended) {
    touch(event.session_id, -1);
    keep(chat.id);
  }
  if (chat.id === current.value) speak(event);
  if (ended && chat.hasTools(event.run_id)) void howItRan(event.run_id);
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

export async function refreshModels(): Promise<void> {
  await guarded(async () => {
    models.value = await api.models();
  });
}

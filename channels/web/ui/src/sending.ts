// Messages on their way: written down, sent, accepted or refused.
import { batch } from '@preact/signals';
import { ApiError } from './api';
import * as attachments from './attachments';
import { Conversation, type Turn } from './conversation';
import { conversation, conversations, early, keep, loadOlder, resume } from './conversations';
import { newId } from './ids';
import { connection, signedOut } from './line';
import { Outbox, type Unsent } from './outbox';
import type { Accepted, Attached } from './protocol';
import { format, parse, place } from './router';
import { touch } from './sessionList';
import { DRAFT_PREFIX, settings, t } from './settings';
import { changed, current, explain, isNew, link, newModel, problem, unsent } from './state';

const ACCEPT_TIMEOUT_MS = 10000;
export const outbox = new Outbox(settings.storage);
let sentAt = new Map<string, number>();

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
  history.replaceState(null, '', format('chat', id));
  place.value = parse(location.hash);
}

export function onAccepted(frame: Accepted): void {
  const mine = outbox.accepted(frame.message_id, frame.session_id);
  sentAt.delete(frame.message_id);
  batch(() => {
    if (mine?.sessionId === null) attachments.becameSession(mine.chat, frame.session_id);
    if (mine && mine.chat === current.value && mine.sessionId === null) becomeSession(frame.session_id);
    const whole = { ...frame, content: frame.content ?? mine?.content ?? '',
                    parent_seq: frame.parent_seq ?? mine?.parentSeq };
    early.get(frame.session_id)?.push(whole);
    const chat = conversations.get(frame.session_id);
    const turn = chat?.accepted(whole);
    if (chat && turn && mine) chat.choose(turn);
    unsent.value = outbox.list();
  });
  keep(frame.session_id);
  if (!frame.duplicate) touch(frame.session_id, 1);
  flush();
  changed();
}

export function onError(message: string, messageId?: string): void {
  if (messageId && outbox.get(messageId)) {
    outbox.fail(messageId, message);
    sentAt.delete(messageId);
    unsent.value = outbox.list();
  } else {
    problem.value = message;
  }
}

export interface Extra {
  parentSeq?: number; // the question it goes on from
  files?: Attached[];
}

export function send(content: string, { parentSeq, files }: Extra = {}): void {
  const sessionId = isNew.value ? null : current.value;
  const item: Unsent = { messageId: newId(), chat: current.value, sessionId, content, at: Date.now() };
  const parent = parentSeq ?? conversation()?.goesOnFrom();
  if (parent !== undefined) item.parentSeq = parent;
  if (!sessionId && newModel.value) item.model = newModel.value;
  if (files?.length) {
    item.files = files.map(({ name, bytes }) => ({ name, bytes }));
    void attachments.keep(item.messageId, files);
  }
  outbox.add(item);
  unsent.value = outbox.list();
  flush();
}

// Another version of a question: what was said before stays, and can be looked at again.
export async function sendVersion(turn: Turn, content: string): Promise<void> {
  const chat = conversation();
  if (!chat) return;
  while (chat.older && chat.parentOf(turn) === undefined) await loadOlder();
  send(content, { parentSeq: chat.parentOf(turn) ?? 0 });
}

export function retry(messageId: string): void {
  outbox.fail(messageId, undefined);
  unsent.value = outbox.list();
  flush();
}

export function discard(messageId: string): void {
  attachments.cancelUpload(messageId);
  void attachments.drop(messageId);
  outbox.remove(messageId);
  unsent.value = outbox.list();
}

export function flush(): void {
  for (const item of outbox.sendable()) {
    if (sentAt.has(item.messageId)) continue;
    if (item.files) {
      void sendWithFiles(item);
      continue;
    }
    const sent = connection.send({
      type: 'user_message',
      message_id: item.messageId,
      ...(item.sessionId ? { session_id: item.sessionId } : item.model ? { model: item.model } : {}),
      content: item.content,
      ...(item.parentSeq === undefined ? {} : { parent_seq: item.parentSeq }),
    });
    if (sent) sentAt.set(item.messageId, performance.now());
  }
}

async function sendWithFiles(item: Unsent): Promise<void> {
  if (link.value !== 'online' || attachments.isUploading(item.messageId)) return;
  const files = await attachments.kept(item.messageId);
  if (!files) return onError(t('filesLost'), item.messageId);
  try {
    const accepted = await attachments.upload(item.messageId, {
      message_id: item.messageId,
      session_id: item.sessionId,
      model: item.sessionId ? null : item.model ?? null,
      content: item.content,
      parent_seq: item.parentSeq ?? null,
      files: files.map(({ name, media_type, data }) => ({ name, media_type, data })),
    });
    void attachments.drop(item.messageId);
    onAccepted({ ...accepted, type: 'accepted', duplicate: true });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) signedOut();
    else if (error instanceof ApiError) onError(explain(error), item.messageId);
    else if (error instanceof attachments.Cancelled) onError(t('cancelled'), item.messageId);
    // A line that broke: it is sent again when there is one.
  }
}

// A socket that takes messages and never answers is dead, whatever the browser thinks of it.
export function checkAccepted(): void {
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

// What was sent over a line that is lost is sent again over the next.
export function sendAgain(): void {
  sentAt = new Map();
  flush();
}

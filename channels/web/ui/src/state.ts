// What the page shows, as signals. Changed by what lies beside this file; draws nothing.
import { computed, signal } from '@preact/signals';
import { ApiError } from './api';
import type { Link } from './connection';
import { newId } from './ids';
import { refused } from './languages';
import type { Unsent } from './outbox';
import type { Models, SessionInfo } from './protocol';

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

// The chat that is shown: a session's id, or "new:..." for one that has no session yet.
export const current = signal(newChatName());

// Grows when something in the shown conversation changed.
export const revision = signal(0);

// Who answers in the new chat on the screen; null: the default.
export const newModel = signal<string | null>(null);

export const unsent = signal<Unsent[]>([]);
export const loadingOlder = signal(false);
export const isNew = computed(() => current.value.startsWith('new:'));
export const currentInfo = computed(() => sessions.value.find((s) => s.id === current.value));

export function newChatName(): string {
  return `new:${newId()}`;
}

const NO_FRAME_MS = 100; // a page that is not seen gets no frames
let frameRequested = false;

// Draw at most once per frame, however fast the events come.
export function changed(): void {
  if (frameRequested) return;
  frameRequested = true;
  const draw = (): void => {
    if (!frameRequested) return;
    clearTimeout(timer);
    frameRequested = false;
    revision.value++;
  };
  const timer = setTimeout(draw, NO_FRAME_MS);
  requestAnimationFrame(draw);
}

export function explain(error: unknown): string {
  if (error instanceof ApiError) return refused(error.refusal);
  return error instanceof Error ? error.message : String(error);
}

// The line to the daemon, and what everything that goes over it has in common.
import { ApiError, api } from './api';
import { Connection, type Link } from './connection';
import type { ServerFrame } from './protocol';
import { settings } from './settings';
import { explain, link, me, phase, problem } from './state';

// Who follows the line: store.ts.
export const follower: { onState(state: Link): void; onFrame(frame: ServerFrame): void } = {
  onState: () => undefined,
  onFrame: () => undefined,
};

export const connection = new Connection(
  `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
  { onState: (state) => follower.onState(state), onFrame: (frame) => follower.onFrame(frame), probe },
);

export async function probe(): Promise<'ok' | 'signed-out' | 'unreachable'> {
  try {
    const { user } = await api.me();
    if (!user) return 'signed-out';
    me.value = user;
    settings.set('nexflow.role', user.role);
    return 'ok';
  } catch (error) {
    const denied = error instanceof ApiError && (error.status === 401 || error.status === 403);
    return denied ? 'signed-out' : 'unreachable';
  }
}

export function signedOut(): void {
  connection.stop();
  phase.value = 'signed-out';
}

// Run it; what goes wrong is shown, and a lost sign-in is acted upon.
export async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) signedOut();
    else if (error instanceof ApiError || link.value === 'online') problem.value = explain(error);
  }
}

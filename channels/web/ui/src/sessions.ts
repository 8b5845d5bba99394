// The list of conversations, as far as a person changes it.
import { signal } from '@preact/signals';
import { ApiError, api } from './api';
import { settings } from './settings';
import { current, forget, guarded, isNew, newChat, newModel, onOnline, replaceInfo } from './store';

const UNDO_MS = 7000;
const DELETING = 'nexflow.deleting';

// What was deleted and can still be brought back: gone from the list, not yet from the daemon.
export const deleted = signal<{ id: string; title: string } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export async function rename(id: string, title: string): Promise<void> {
  await guarded(async () => replaceInfo(id, await api.change(id, { title })));
}

export async function pin(id: string, pinned: boolean): Promise<void> {
  await guarded(async () => replaceInfo(id, await api.change(id, { pinned })));
}

// Who answers from now on, null for the default: here, or in the new chat once it is one.
export async function chooseModel(name: string | null): Promise<void> {
  if (isNew.value) newModel.value = name;
  else await guarded(async () => replaceInfo(current.value, await api.change(current.value, { model: name })));
}

export function remove(id: string, title: string): void {
  finish();
  deleted.value = { id, title };
  settings.set(DELETING, id);
  if (current.value === id) newChat();
  timer = setTimeout(finish, UNDO_MS);
}

export function undo(): void {
  clearTimeout(timer);
  deleted.value = null;
  settings.set(DELETING, null);
}

function finish(): void {
  clearTimeout(timer);
  const gone = deleted.value;
  deleted.value = null;
  if (!gone) return;
  void erase(gone.id);
}

async function erase(id: string): Promise<void> {
  await guarded(async () => {
    await api.remove(id).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error; // no line: it is deleted when there is one
      settings.set(DELETING, null);
      if (error.status !== 404) throw error;
    });
    settings.set(DELETING, null);
    forget(id);
  });
}

// Who left has decided.
function finishDeleting(): void {
  const left = settings.get(DELETING);
  if (!left || deleted.value) return;
  deleted.value = { id: left, title: '' };
  void erase(left).finally(() => (deleted.value = null));
}
onOnline(finishDeleting);

// Calls of tools that wait for a decision.
import { computed, signal } from '@preact/signals';
import { api } from './api';
import type { Approval } from './protocol';

export const approvals = signal<Approval[]>([]);

// Whoever is asked in the shown conversation, or has nowhere else to be asked: a call by hand, or
// one of somebody whose conversations are not listed here.
export const asked = (session: string, listed: readonly { id: string }[]): Approval[] =>
  approvals.value.filter((a) => a.session_id === session || !listed.some((s) => s.id === a.session_id));

export const asking = computed(() => new Set(approvals.value.map((a) => a.session_id)));

// What is heard of them while their list is under way, which is older then.
const heard = new Set<Map<string, Approval>>();
const pending = (approval: Approval): boolean => approval.status === 'pending';

// What the daemon says of one; true: it is new and waits.
export function noticeApproval(approval: Approval): boolean {
  for (const meanwhile of heard) meanwhile.set(approval.id, approval);
  const rest = approvals.value.filter((a) => a.id !== approval.id);
  const waits = pending(approval);
  const fresh = waits && rest.length === approvals.value.length;
  approvals.value = waits ? [...rest, approval] : rest;
  return fresh;
}

export async function refreshApprovals(): Promise<void> {
  const meanwhile = new Map<string, Approval>();
  heard.add(meanwhile);
  try {
    const listed = (await api.approvals()).approvals.filter((a) => !meanwhile.has(a.id));
    approvals.value = [...listed, ...[...meanwhile.values()].filter(pending)];
  } finally {
    heard.delete(meanwhile);
  }
}

export async function decide(id: string, allow: boolean, reason = ''): Promise<void> {
  try {
    await api.decide(id, allow, reason);
  } finally {
    // Also if somebody else was faster, or the time was over: the daemon says what still waits.
    await refreshApprovals();
  }
}

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

// What the daemon says of one; true: it is new and waits.
export function noticeApproval(approval: Approval): boolean {
  const rest = approvals.value.filter((a) => a.id !== approval.id);
  const waits = approval.status === 'pending';
  const fresh = waits && rest.length === approvals.value.length;
  approvals.value = waits ? [...rest, approval] : rest;
  return fresh;
}

export async function refreshApprovals(): Promise<void> {
  approvals.value = (await api.approvals()).approvals;
}

export async function decide(id: string, allow: boolean, reason = ''): Promise<void> {
  try {
    await api.decide(id, allow, reason);
  } finally {
    // Also if somebody else was faster, or the time was over: the daemon says what still waits.
    await refreshApprovals();
  }
}

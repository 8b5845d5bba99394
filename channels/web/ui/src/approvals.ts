// Calls of tools that wait for this person's decision.
import { signal } from '@preact/signals';
import { ApiError, api } from './api';
import type { Approval } from './protocol';

export const approvals = signal<Approval[]>([]);

// Something changed, or we were away. What the daemon does not have is not there to decide on.
export async function refreshApprovals(): Promise<void> {
  try {
    approvals.value = (await api.approvals()).approvals;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    approvals.value = [];
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

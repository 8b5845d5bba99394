// The daemon's REST interface, as far as this page needs it.
import type { Approval, Hit, MessagePage, Models, Refusal, SessionInfo, Step, Usage } from './protocol';

export class ApiError extends Error {
  readonly refusal: Refusal;

  // `answer` is the body, whoever wrote it.
  constructor(readonly status: number, answer: unknown, otherwise = String(status)) {
    const error = (answer as { error?: Partial<Refusal> } | undefined)?.error;
    const message = error?.message ?? otherwise;
    super(message);
    this.refusal = { ...error, message };
  }
}

const PROBE_TIMEOUT_MS = 5000;

export async function call<T>(method: string, path: string, body?: unknown, timeoutMs = 30000): Promise<T> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: body === undefined ? undefined : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  let data: unknown;
  try {
    data = text ? JSON.parse(text) : undefined;
  } catch {
    throw new ApiError(response.status, undefined, `${response.status} ${response.statusText}`);
  }
  if (response.ok) return data as T;
  throw new ApiError(response.status, data, `${response.status} ${response.statusText}`);
}

const at = (id: string): string => `/api/v1/sessions/${encodeURIComponent(id)}`;

export const api = {
  me: () => call<{ user: { id: string; name: string; role: string } | null }>('GET', '/api/v1/auth', undefined, PROBE_TIMEOUT_MS),
  exchange: (token: string) => call<void>('POST', '/api/v1/auth/exchange', { token }),
  logout: () => call<void>('POST', '/api/v1/auth/logout'),
  models: () => call<Models>('GET', '/api/v1/models'),
  sessions: (cursor?: string) => call<{ sessions: SessionInfo[]; pinned?: SessionInfo[]; next_cursor: string | null }>(
    'GET', `/api/v1/sessions?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`),
  session: (id: string) => call<SessionInfo>('GET', at(id)),
  change: (id: string, change: { title?: string; pinned?: boolean; model?: string | null }) => call<SessionInfo>('PATCH', at(id), change),
  search: (q: string, cursor = '', session = '') => call<{ hits: Hit[]; complete: boolean; next_cursor: string | null }>(
    'GET', `/api/v1/search?${new URLSearchParams({ q, limit: '20', ...(cursor ? { cursor } : {}), ...(session ? { session_id: session } : {}) })}`),
  remove: (id: string) => call<void>('DELETE', at(id)),
  steps: async (run: string) =>
    (await call<{ steps: Step[] }>('GET', `/api/v1/tasks/${encodeURIComponent(run)}`)).steps,
  turns: async (session: string, limit: number, cursor: string | null) => (await call<{ tasks: { id: string; usage?: Usage }[] }>(
    'GET', `/api/v1/tasks?session_id=${encodeURIComponent(session)}&limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)).tasks,
  approvals: () => call<{ approvals: Approval[] }>('GET', '/api/v1/approvals'),
  decide: (id: string, allow: boolean, reason: string) => call<void>(
    'POST', `/api/v1/approvals/${encodeURIComponent(id)}`,
    { decision: allow ? 'allow' : 'deny', ...(reason ? { reason } : {}) }),
  messages: (id: string, cursor?: string | null) => call<MessagePage>(
    'GET', `${at(id)}/messages?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`),
};

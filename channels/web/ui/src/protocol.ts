// What the daemon says: docs/api.md. Only what this page reads.

// A text of the daemon's: what it says, by a code for who speaks another language, and the values in it,
// some of which are such texts themselves.
export interface Said {
  text: string;
  code?: string;
  values?: Value[];
}
export type Value = string | Said;

// Why something that was asked for is not done.
export interface Refusal {
  message: string;
  reason?: string; // the code of what it says
  values?: Value[];
  where?: string; // what stands in front of that in the message
}

export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  cache_read_tokens?: number;
  cache_write_tokens?: number;
}

export interface SessionInfo {
  id: string;
  title: string;
  channel: string;
  updated_at: string;
  pending: number;
  last_seq: number;
  pinned?: boolean;
  model?: string | null; // who answers there; null: the default
  resume_after?: number; // the events that the stored messages do not tell are behind it
}

export interface StoredToolCall {
  id: string;
  name: string;
  arguments?: string;
}

export interface StoredMessage {
  seq: number;
  role: 'user' | 'assistant' | 'tool' | 'notice';
  content: string;
  code?: string; // role "notice": which reason `content` tells, and its values
  values?: Value[];
  run_id: string;
  message_id?: string;
  parent_seq?: number; // a question: the one it goes on from, 0: from the beginning; absent: the one before
  model?: string;
  created_at: string;
  tool_calls?: StoredToolCall[];
  tool_call_id?: string; // role "tool": whose result `content` is
  is_error?: boolean;
  duration_us?: number;
}

export interface MessagePage {
  messages: StoredMessage[];
  next_cursor: string | null;
}

export interface Models {
  default: string | null;
  models: { name: string; provider: string; prices?: { input?: string; output?: string } }[];
  aliases?: { name: string; models: string[] }[];
  currency?: string;
}

export interface Hit {
  session_id: string;
  title: string;
  seq: number;
  run_id: string;
  role: 'user' | 'assistant';
  at: string;
  snippet: string; // what was found stands between U+0002 and U+0003
}

// A file on its way with a message.
export interface Attached {
  name: string;
  media_type: string;
  bytes: number;
  data: string; // base64
}

interface Place {
  seq: number;
  session_id: string;
  run_id: string;
}

export type RunEvent = Place &
  (
    | { type: 'RUN_STARTED'; input_seq: number }
    | { type: 'TEXT_MESSAGE_START'; messageId: string }
    | { type: 'TEXT_MESSAGE_CONTENT'; messageId: string; delta: string }
    | { type: 'TEXT_MESSAGE_END'; messageId: string }
    | { type: 'TOOL_CALL_START'; toolCallId: string; toolCallName: string }
    | { type: 'TOOL_CALL_ARGS'; toolCallId: string; delta: string }
    | { type: 'TOOL_CALL_END'; toolCallId: string }
    | { type: 'TOOL_CALL_RESULT'; toolCallId: string; content: string; is_error?: boolean; duration_us?: number }
    | { type: 'RUN_FINISHED'; model?: string; usage?: Usage; stopped?: boolean }
    | { type: 'RUN_ERROR'; message: string; code?: string; values?: Value[] }
  );

// A call of a tool that a person has to allow: exactly this one, once.
export interface Approval {
  id: string;
  run_id?: string;
  session_id: string | null; // null: a call by hand
  user: { id: string; name: string }; // who asked for it
  tool: string; // as the model named it
  arguments: string; // JSON
  workspace: string;
  status: string; // "pending" while it waits
  yours: boolean; // this person may allow it
  expires_at: string;
}

// Of a run: how a tool's call went.
export interface Step {
  call_id?: string;
  duration_us?: number;
  level?: string;
  worker?: number;
}

// What happens to a call that has not ended: it has no position, the newest counts.
export type Meanwhile = { type: 'CUSTOM'; session_id: string; run_id: string } & (
  | { name: 'tool_progress'; value: { toolCallId: string; percent: number | null; text: string } }
  | { name: 'tool_status'; value: { toolCallId: string; status: 'waiting_approval' | 'running' } }
);

export interface Accepted {
  type: 'accepted';
  message_id: string;
  session_id: string;
  run_id: string;
  seq: number;
  content?: string;
  parent_seq?: number;
  duplicate?: boolean;
}

export type ServerFrame =
  | RunEvent
  | Accepted
  | ({ type: 'error'; code: string; message_id?: string } & Refusal)
  | { type: 'cancelled'; session_id: string; run_id: string }
  | { type: 'session'; session_id: string; title?: string; pinned?: boolean; model?: string | null; deleted?: boolean }
  | { type: 'approval'; approval: Approval }
  | Meanwhile;

export type ClientFrame =
  | { type: 'user_message'; message_id: string; session_id?: string; content: string; parent_seq?: number; model?: string }
  | { type: 'resume'; session_id: string; after: number }
  | { type: 'stop'; session_id: string };

export function isRunEvent(frame: ServerFrame): frame is RunEvent {
  return 'run_id' in frame && 'seq' in frame && frame.type !== 'accepted';
}

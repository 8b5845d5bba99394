// One session as this page knows it: its turns, put together from stored messages and from events.
// Pure state: no network, no document.
//
// An event's position is fence * 2^24 + pos (docs/api.md): the fence is that of the attempt, and
// text advances pos by its bytes. Each turn keeps its own position, so that events which come twice
// are recognised, a missing one is noticed, and what overlaps is cut.
import type { Accepted, Meanwhile, MessagePage, RunEvent, Step, StoredMessage, Usage, Value } from './protocol';

export type TurnState = 'queued' | 'running' | 'done' | 'stopped' | 'failed';

export interface TextItem {
  kind: 'text';
  id: string;
  text: string;
  open: boolean;
}
export interface ToolItem {
  kind: 'tool';
  id: string;
  name: string;
  args: string;
  result?: string;
  failed?: boolean;
  waits?: boolean; // for a person's decision
  since?: number; // when it began to run, by Date.now()
  ms?: number; // how long it took
  step?: Step; // how it ran, once it was asked for
  progress?: { percent: number | null; text: string };
}
export interface NoticeItem {
  kind: 'notice';
  id: string;
  text: string;
  code?: string;
  values?: Value[];
}
export type Item = TextItem | ToolItem | NoticeItem;

export interface Turn {
  runId: string;
  seq: number; // of the message it answers
  parent?: number; // seq of the question it goes on from, 0: the beginning; undefined: the one before it
  user?: { messageId?: string; content: string; at?: string };
  state: TurnState;
  items: Item[];
  model?: string;
  usage?: Usage;
  pos: number; // of the last event applied; 0: none
  settled: boolean; // read from the database as a whole: events add nothing but the usage
  stored: StoredMessage[]; // what of it was read, by seq
  questions?: Map<number, StoredMessage>;
  version: number; // grows with each change
}

export type Applied = 'changed' | 'known' | 'gap';

const ATTEMPT = 2 ** 24;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const fenceOf = (seq: number): number => Math.floor(seq / ATTEMPT);

export function isOver(turn: Turn): boolean {
  return turn.state !== 'queued' && turn.state !== 'running';
}

export class Conversation {
  turns: Turn[] = [];
  older: string | null = null; // cursor of what came before
  loaded = false;
  kept = false; // what was seen earlier: to be read anew
  private leaf: number | null = null; // the question whose way is shown; null: the newest
  private start = 0;
  private byRun = new Map<string, Turn>();

  // `start`: an event's position up to which everything is surely in the stored messages.
  constructor(readonly id: string, start = 0) {
    this.start = start;
  }

  // Stored messages, a page of them; `earlier`: it goes before what is here. A page read again adds
  // what is new in it.
  addPage(page: MessagePage, earlier: boolean): void {
    const first = !this.loaded;
    const touched = new Set<Turn>();
    for (const message of page.messages) {
      const turn = this.addMessage(message);
      if (turn) touched.add(turn);
    }
    for (const turn of touched) rebuild(turn);
    if (earlier || first) this.older = page.next_cursor;
    this.loaded = true;
    this.sort();
  }

  // The newest turns as they are seen, and whether there are no others. What goes on does so without it:
  // its text is the text up to its position.
  seen(most: number): { turns: Turn[]; complete: boolean } {
    const turns = this.turns.slice(-most).map((turn): Turn => (
      { ...turn, items: isOver(turn) ? turn.items : structuredClone(turn.items), stored: [], questions: undefined }));
    return { turns, complete: this.older === null && turns.length === this.turns.length };
  }

  // Show what was seen earlier, until it can be read.
  showKept(turns: Turn[], complete: boolean): void {
    this.kept = this.loaded = true;
    this.turns = turns;
    this.byRun = new Map(turns.map((turn) => [turn.runId, turn]));
    this.older = complete ? null : ''; // there are more, at no place that is known
  }

  // Of turns that are still being answered: what was seen, from where events go on.
  goOnFrom(seen: Conversation): void {
    for (const turn of this.turns) {
      const before = seen.byRun.get(turn.runId);
      if (!before?.pos || isOver(before) || isOver(turn) || turn.pos > 0) continue;
      Object.assign(turn, { items: before.items, state: before.state, pos: before.pos });
      turn.version++;
    }
  }

  // The daemon says how many turns have not ended: older ones without an answer never get one.
  setPending(pending: number): void {
    const open = this.turns.filter((turn) => !isOver(turn));
    for (const turn of open.slice(0, Math.max(0, open.length - pending))) {
      if (turn.pos > 0) continue;
      turn.state = 'stopped';
      turn.version++;
    }
  }

  accepted(frame: Accepted): Turn {
    const turn = this.turn(frame.run_id, frame.seq);
    turn.version++;
    turn.parent ??= frame.parent_seq;
    turn.user ??= { messageId: frame.message_id, content: frame.content ?? '' };
    return turn;
  }

  cancelled(runId: string): Turn | null {
    const turn = this.byRun.get(runId);
    if (!turn || isOver(turn)) return null;
    turn.state = 'stopped';
    turn.version++;
    return turn;
  }

  // 'gap': something before it is missing. Ask for everything behind after().
  apply(event: RunEvent): Applied {
    let turn = this.byRun.get(event.run_id);
    if (!turn && this.isBeforePage(event.run_id)) return 'known';
    if (turn?.settled) return this.applyToSettled(turn, event);

    const fence = fenceOf(event.seq);
    const mine = turn ? fenceOf(turn.pos) : 0;
    if (turn && turn.pos > 0 && event.seq <= turn.pos) return 'known';
    if (event.type === 'RUN_STARTED') {
      turn = this.turn(event.run_id, event.input_seq);
      turn.items = [];
      turn.state = 'running';
      turn.pos = event.seq;
      turn.version++;
      return 'changed';
    }
    if (!turn || fence !== mine) return 'gap';
    return this.applyInOrder(turn, event);
  }

  meanwhile(event: Meanwhile): Applied {
    const turn = this.byRun.get(event.run_id);
    const item = turn?.items.find((i): i is ToolItem => i.kind === 'tool' && i.id === event.value.toolCallId);
    if (!turn || !item || item.result !== undefined) return 'known';
    if (event.name === 'tool_progress') {
      item.progress = { percent: event.value.percent, text: event.value.text };
    } else {
      item.waits = event.value.status === 'waiting_approval';
      if (event.value.status === 'running') item.since = Date.now();
    }
    turn.version++;
    return 'changed';
  }

  hasTools(runId: string): boolean {
    return this.byRun.get(runId)?.items.some((i) => i.kind === 'tool') ?? false;
  }

  // How the calls of a run went.
  ran(runId: string, steps: Step[]): void {
    const turn = this.byRun.get(runId);
    for (const item of turn?.items ?? []) {
      const step = item.kind === 'tool' && steps.find((s) => s.call_id === item.id);
      if (!step || item.kind !== 'tool') continue;
      item.step = step;
      item.ms = step.duration_us === undefined ? item.ms : step.duration_us / 1000;
    }
    if (turn) turn.version++;
  }

  // What turns used that were read as messages, which do not tell.
  used(runId: string, usage: Usage | undefined): void {
    const turn = this.byRun.get(runId);
    if (!turn || turn.usage || !usage) return;
    turn.usage = usage;
    turn.version++;
  }

  // Where to resume: behind everything that is complete.
  after(): number {
    let after = this.start;
    for (const turn of this.turns) {
      after = Math.max(after, turn.pos);
      if (!isOver(turn)) break;
    }
    return after;
  }

  /* ---- branches ---- */

  // The question that the turn's own goes on from; undefined: it is not loaded.
  parentOf(turn: Turn): number | undefined {
    if (turn.parent !== undefined) return turn.parent;
    const i = this.turns.indexOf(turn);
    if (i > 0) return this.turns[i - 1].seq;
    return this.older === null ? 0 : undefined;
  }

  // The turns on the way to the question that is looked at.
  shown(): Turn[] {
    if (this.turns.every((turn) => turn.parent === undefined)) return this.turns;
    const bySeq = new Map(this.turns.map((turn) => [turn.seq, turn]));
    const way: Turn[] = [];
    let at = this.leaf === null ? this.turns.at(-1) : bySeq.get(this.leaf);
    while (at) {
      way.push(at);
      const parent = this.parentOf(at) ?? 0;
      at = parent < at.seq ? bySeq.get(parent) : undefined;
    }
    return way.reverse();
  }

  // All versions of a question: those that go on from the same.
  versions(turn: Turn): Turn[] {
    const parent = this.parentOf(turn);
    if (parent === undefined) return [turn];
    return this.turns.filter((other) => this.parentOf(other) === parent);
  }

  // Look at this version, and at what was said last behind it.
  choose(turn: Turn): void {
    const behind = new Set([turn.seq]);
    let last = turn;
    for (const other of this.turns) {
      if (!behind.has(this.parentOf(other) ?? -1)) continue;
      behind.add(other.seq);
      last = other;
    }
    this.leaf = last === this.turns.at(-1) ? null : last.seq;
  }

  // What the next question must say it goes on from; undefined: nothing, it goes on from the newest.
  goesOnFrom(): number | undefined {
    return this.leaf ?? undefined;
  }

  active(): Turn | undefined {
    return this.turns.find((turn) => !isOver(turn));
  }

  private isBeforePage(runId: string): boolean {
    return this.older !== null && this.turns.length > 0 && runId < this.turns[0].runId;
  }

  private turn(runId: string, seq: number): Turn {
    let turn = this.byRun.get(runId);
    if (!turn) {
      turn = { runId, seq, state: 'queued', items: [], pos: 0, settled: false,
               stored: [], version: 0 };
      this.byRun.set(runId, turn);
      this.turns.push(turn);
      this.sort();
    }
    return turn;
  }

  private sort(): void {
    this.turns.sort((a, b) => a.seq - b.seq || (a.runId < b.runId ? -1 : 1));
  }

  // The turn that the message completes, if what is shown of it comes from stored messages.
  private addMessage(message: StoredMessage): Turn | null {
    const turn = this.turn(message.run_id, message.seq);
    if (message.role === 'user') {
      addQuestion(turn, message);
      return null;
    }
    // What is being written here is completed by events, which say more than the stored text.
    if (turn.pos > 0 && !turn.settled) return null;
    if (turn.stored.some((m) => m.seq === message.seq)) return null;
    turn.settled = true;
    turn.stored.push(message);
    return turn;
  }

  private applyToSettled(turn: Turn, event: RunEvent): Applied {
    if (event.type !== 'RUN_FINISHED' && event.type !== 'RUN_ERROR') return 'known';
    turn.pos = Math.max(turn.pos, event.seq);
    if (event.type === 'RUN_ERROR') return 'known';
    if (turn.usage) return 'known';
    finish(turn, event);
    turn.version++;
    return 'changed';
  }

  private applyInOrder(turn: Turn, event: RunEvent): Applied {
    let delta = 'delta' in event ? event.delta : '';
    const bytes = 'delta' in event ? encoder.encode(delta) : null;
    const start = event.seq - (bytes ? bytes.length : 1);
    if (start > turn.pos) return 'gap';
    if (bytes && start < turn.pos) delta = decoder.decode(bytes.subarray(turn.pos - start));
    turn.pos = event.seq;
    turn.version++;
    change(turn, event, delta);
    return 'changed';
  }
}

// One turn may answer several questions, which were asked while it ran.
function addQuestion(turn: Turn, message: StoredMessage): void {
  turn.version++;
  turn.questions ??= new Map();
  turn.questions.set(message.seq, message);
  const all = [...turn.questions.values()].sort((a, b) => a.seq - b.seq);
  turn.seq = all[0].seq;
  turn.parent = all[0].parent_seq;
  turn.user = { messageId: all[0].message_id, content: all.map((m) => m.content).join('\n\n'), at: all[0].created_at };
}

function rebuild(turn: Turn): void {
  turn.items = [];
  turn.state = 'done';
  turn.version++;
  turn.stored.sort((a, b) => a.seq - b.seq);
  for (const message of turn.stored) addStored(turn, message);
}

function addStored(turn: Turn, message: StoredMessage): void {
  const id = `stored-${message.seq}`;
  if (message.role === 'notice') {
    turn.items.push({ kind: 'notice', id, text: message.content, code: message.code, values: message.values });
    turn.state = 'failed';
    return;
  }
  if (message.role === 'tool') {
    if (message.tool_call_id) setResult(turn, message.tool_call_id, message);
    return;
  }
  if (message.content) turn.items.push({ kind: 'text', id, text: message.content, open: false });
  for (const call of message.tool_calls ?? []) {
    turn.items.push({ kind: 'tool', id: call.id, name: call.name, args: call.arguments ?? '' });
  }
  turn.model = message.model ?? turn.model;
}

function setResult(turn: Turn, id: string, of: { content: string; is_error?: boolean; duration_us?: number }): void {
  const item = turn.items.find((i): i is ToolItem => i.kind === 'tool' && i.id === id);
  if (!item) return;
  Object.assign(item, { result: of.content, failed: of.is_error });
  if (of.duration_us) item.ms = of.duration_us / 1000;
  delete item.progress;
  delete item.since;
  delete item.waits;
}

function finish(turn: Turn, event: Extract<RunEvent, { type: 'RUN_FINISHED' }>): void {
  turn.model = event.model || turn.model;
  turn.usage = event.usage;
  turn.state = event.stopped ? 'stopped' : 'done';
  for (const item of turn.items) if (item.kind === 'text') item.open = false;
}

function textItem(turn: Turn, id: string): TextItem {
  const found = turn.items.find((i): i is TextItem => i.kind === 'text' && i.id === id);
  if (found) return found;
  const item: TextItem = { kind: 'text', id, text: '', open: true };
  turn.items.push(item);
  return item;
}

function toolItem(turn: Turn, id: string, name = ''): ToolItem {
  const found = turn.items.find((i): i is ToolItem => i.kind === 'tool' && i.id === id);
  if (found) return found;
  const item: ToolItem = { kind: 'tool', id, name, args: '' };
  turn.items.push(item);
  return item;
}

function change(turn: Turn, event: RunEvent, delta: string): void {
  switch (event.type) {
    case 'TEXT_MESSAGE_START':
      textItem(turn, event.messageId);
      break;
    case 'TEXT_MESSAGE_CONTENT':
      textItem(turn, event.messageId).text += delta;
      break;
    case 'TEXT_MESSAGE_END':
      textItem(turn, event.messageId).open = false;
      break;
    case 'TOOL_CALL_START':
      toolItem(turn, event.toolCallId, event.toolCallName);
      break;
    case 'TOOL_CALL_ARGS':
      toolItem(turn, event.toolCallId).args += delta;
      break;
    case 'TOOL_CALL_END':
      break;
    case 'TOOL_CALL_RESULT':
      toolItem(turn, event.toolCallId);
      setResult(turn, event.toolCallId, event);
      break;
    case 'RUN_FINISHED':
      finish(turn, event);
      break;
    case 'RUN_ERROR':
      turn.state = 'failed';
      for (const item of turn.items) if (item.kind === 'text') item.open = false;
      turn.items.push({ kind: 'notice', id: `error-${event.seq}`, text: event.message, code: event.code, values: event.values });
      break;
    case 'RUN_STARTED':
      break;
  }
}

// Messages that the daemon has not accepted yet. One entry of the browser's storage each, so that
// tabs do not overwrite one another; the message's id is what makes sending it twice harmless.

export interface Unsent {
  messageId: string;
  chat: string; // a session's id, or the page's own name of a chat that has none yet
  sessionId: string | null;
  content: string;
  at: number;
  model?: string; // who answers in the session that is made for it
  parentSeq?: number; // the question it goes on from, if that is not the newest
  files?: { name: string; bytes: number }[]; // kept by attachments.ts under the message's id
  error?: string; // the daemon refused it: shown, and not sent again by itself
}

export interface Storage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const PREFIX = 'nexflow.unsent.';
const TAKEN_MAX = 256;

export class Outbox {
  private items = new Map<string, Unsent>();
  // What the daemon has. Another tab's storage may tell of such a message after the daemon did.
  private taken = new Set<string>();

  constructor(private readonly storage: Storage | null) {
    this.reload();
  }

  // Read what earlier pages, or other tabs, left.
  reload(): void {
    if (!this.storage) return;
    for (let i = 0; i < this.storage.length; i++) {
      const key = this.storage.key(i);
      if (!key?.startsWith(PREFIX)) continue;
      try {
        const item = JSON.parse(this.storage.getItem(key) ?? '') as Unsent;
        if (!item.messageId || this.taken.has(item.messageId)) continue;
        if (!this.items.has(item.messageId)) this.items.set(item.messageId, item);
      } catch {
        this.storage.removeItem(key);
      }
    }
  }

  // Another tab changed its storage: true if that concerned an unsent message.
  follow(key: string | null, value: string | null): boolean {
    if (!key?.startsWith(PREFIX)) return false;
    if (value === null) this.items.delete(key.slice(PREFIX.length));
    else this.reload();
    return true;
  }

  add(item: Unsent): void {
    this.items.set(item.messageId, item);
    this.save(item);
  }

  list(): Unsent[] {
    return [...this.items.values()].sort(
      (a, b) => a.at - b.at || (a.messageId < b.messageId ? -1 : 1),
    );
  }

  get(messageId: string): Unsent | undefined {
    return this.items.get(messageId);
  }

  // The daemon has it. What else was written to the same new chat now belongs to its session.
  accepted(messageId: string, sessionId: string): Unsent | undefined {
    this.take(messageId);
    const item = this.items.get(messageId);
    if (!item) return undefined;
    this.remove(messageId);
    if (item.sessionId === null) this.adopt(item.chat, sessionId);
    return item;
  }

  // The newest TAKEN_MAX are remembered: a late word from another tab is seconds late, not hours.
  private take(messageId: string): void {
    this.taken.add(messageId);
    const [oldest] = this.taken;
    if (this.taken.size > TAKEN_MAX && oldest !== undefined) this.taken.delete(oldest);
  }

  remove(messageId: string): void {
    this.items.delete(messageId);
    this.storage?.removeItem(PREFIX + messageId);
  }

  clear(): void {
    for (const messageId of [...this.items.keys()]) this.remove(messageId);
  }

  fail(messageId: string, error: string | undefined): void {
    const item = this.items.get(messageId);
    if (item) this.add({ ...item, error });
  }

  // What may be sent now: of a chat without a session only the first, for its answer names the
  // session that the others go to. What was refused blocks nobody.
  sendable(): Unsent[] {
    const begun = new Set<string>();
    return this.list().filter((item) => {
      if (item.error) return false;
      if (item.sessionId) return true;
      if (begun.has(item.chat)) return false;
      begun.add(item.chat);
      return true;
    });
  }

  private adopt(chat: string, sessionId: string): void {
    for (const item of this.items.values()) {
      if (item.chat === chat && item.sessionId === null) this.add({ ...item, chat: sessionId, sessionId });
    }
  }

  private save(item: Unsent): void {
    try {
      this.storage?.setItem(PREFIX + item.messageId, JSON.stringify(item));
    } catch {
      // Storage is full or forbidden: the message is kept as long as the page lives.
    }
  }
}

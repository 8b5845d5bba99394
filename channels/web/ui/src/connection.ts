// The WebSocket to the daemon, which comes back by itself.
//
// Before each attempt the daemon is asked over HTTP who we are: that tells "signed out" from "not
// there", and browsers slow down WebSockets that failed often, but not requests.
import type { ClientFrame, ServerFrame } from './protocol';

export type Link = 'connecting' | 'online' | 'offline' | 'signed-out';

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 900; // a daemon that is back is found within a second
const HIDDEN_DELAY_MS = 5000;

export interface ConnectionEvents {
  onState(state: Link): void;
  onFrame(frame: ServerFrame): void;
  probe(): Promise<'ok' | 'signed-out' | 'unreachable'>;
}

export class Connection {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;
  private busy = false;
  private stopped = true;

  constructor(private readonly url: string, private readonly events: ConnectionEvents) {}

  start(): void {
    this.stopped = false;
    this.failures = 0;
    void this.attempt();
  }

  stop(): void {
    this.stopped = true;
    this.clearTimer();
    this.socket?.close();
    this.socket = null;
  }

  get open(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(frame: ClientFrame): boolean {
    if (!this.open) return false;
    this.socket?.send(JSON.stringify(frame));
    return true;
  }

  // The network changed or somebody looks at the page again: do not wait for the timer.
  retryNow(): void {
    if (this.stopped || this.open || this.busy) return;
    this.failures = 0;
    void this.attempt();
  }

  // Nothing comes back although the socket looks open.
  restart(): void {
    this.lost(this.socket);
  }

  private async attempt(): Promise<void> {
    if (this.busy || this.stopped || this.socket) return;
    this.clearTimer();
    this.busy = true;
    const answer = await this.events.probe();
    this.busy = false;
    if (this.stopped) return;
    if (answer === 'signed-out') {
      this.stop();
      this.events.onState('signed-out');
    } else if (answer === 'unreachable') {
      this.events.onState('offline');
      this.later();
    } else {
      this.connect();
    }
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.events.onState('online');
    };
    socket.onmessage = (message) => {
      if (this.socket === socket) this.receive(message.data);
    };
    socket.onclose = () => this.lost(socket);
  }

  private receive(data: unknown): void {
    if (typeof data !== 'string') return;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(data) as ServerFrame;
    } catch {
      return;
    }
    this.events.onFrame(frame);
  }

  private lost(socket: WebSocket | null): void {
    if (!socket || this.socket !== socket) return;
    this.socket = null;
    socket.onclose = null;
    socket.close();
    if (this.stopped) return;
    this.events.onState('offline');
    this.later();
  }

  private later(): void {
    this.clearTimer();
    const hidden = typeof document !== 'undefined' && document.hidden;
    const limit = hidden ? HIDDEN_DELAY_MS : MAX_DELAY_MS;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** this.failures++, limit);
    this.timer = setTimeout(() => void this.attempt(), delay * (0.8 + 0.2 * Math.random()));
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

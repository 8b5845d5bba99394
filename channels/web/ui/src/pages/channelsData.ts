// The bots of chat networks, as the daemon says they are. Loaded when somebody looks.
import { signal } from '@preact/signals';
import { call } from '../api';
import { texts } from '../settings';
import { guarded } from '../store';
import { channelTexts } from './channelsStrings';

export interface Channel {
  name: string;
  network: string;
  state: 'starting' | 'connected' | 'retrying' | 'refused' | 'standby';
  deaf: boolean;
  bot_name: string;
  link: string; // "" while it is not known
  alive_at?: string | null;
  event_at?: string | null;
  code?: number;
  queue?: number;
  problem?: string;
  todo?: string;
}

export const channels = signal<Channel[] | null>(null);

const EVERY_MS = 5000;

const load = async (): Promise<void> => {
  channels.value = (await call<{ channels: Channel[] }>('GET', '/api/v1/channels')).channels;
};

// As long as somebody looks; what is returned ends it.
export function watchChannels(): () => void {
  void guarded(load);
  const timer = setInterval(() => {
    if (!document.hidden) load().catch(() => {}); // the frame says that the line is down
  }, EVERY_MS);
  return () => clearInterval(timer);
}

const at = (name: string, tail: string): string => `/api/v1/channels/${encodeURIComponent(name)}/${tail}`;

export const qr = (channel: Channel): string => at(channel.name, 'qr.svg');

export const test = (channel: Channel): Promise<void> => call<void>('POST', at(channel.name, 'test'), {});

export const tc = texts(channelTexts);

// The bots of chat networks, as the daemon says they are.
import { call } from '../api';
import type { Value } from '../protocol';
import { inWords, texts } from '../settings';
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
  problem_code?: string;
  problem_values?: Value[];
  todo?: string;
  todo_code?: string;
  todo_values?: Value[];
}

export const problemOf = (bot: Partial<Channel>): string => inWords(bot.problem ?? '', bot.problem_code, bot.problem_values);
export const todoOf = (bot: Partial<Channel>): string => inWords(bot.todo ?? '', bot.todo_code, bot.todo_values);

const at = (name: string, tail: string): string => `/api/v1/channels/${encodeURIComponent(name)}${tail && `/${tail}`}`;

export const qr = (channel: Channel): string => at(channel.name, 'qr.svg');

export const test = (channel: Channel): Promise<void> => call<void>('POST', at(channel.name, 'test'), {});

const CHECK_MS = 40000; // the network is asked whose token it is

interface Changed { bot_name: string; need_restart: boolean; other_instances?: number }
export const changeToken = (channel: Channel, token: string): Promise<Changed> => call<Changed>('POST', at(channel.name, 'token'), { token }, CHECK_MS);

// Whether more instances are alive, for which a change here does not hold.
export async function hasOthers(): Promise<boolean> {
  const { instances } = await call<{ instances: { state: string }[] }>('GET', '/api/v1/status');
  return instances.filter(({ state }) => state === 'here').length > 1;
}

export const removeBot = (channel: Channel): Promise<void> => call<void>('DELETE', at(channel.name, ''));

export const tc = texts(channelTexts);

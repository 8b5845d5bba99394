// A new bot, from its token to a message there and back. The token goes out once and is not kept.
import { call } from '../api';
import { problemOf, todoOf, type Channel } from './channelsData';
import type { Invite, Way } from './peopleData';

export type Network = 'telegram' | 'discord';

export interface NewBot {
  name: string;
  network: Network;
  bot_name: string;
  need_restart: boolean;
  other_instances?: number;
}

export interface Opening {
  way: Way;
  code: string;
}

const EVERY_MS = 1000;
const MINUTES = 60 * 1000;
const CONNECT_MS = MINUTES;
const LINK_MS = 15 * MINUTES;
const ANSWER_MS = 2 * MINUTES;
const CHECK_MS = 40000; // the network is asked whose token it is

export const addBot = (network: Network, token: string, name: string): Promise<NewBot> => call<NewBot>(
  'POST', '/api/v1/channels', { network, token, ...(name ? { name } : {}) }, CHECK_MS);

export class Late extends Error {}

// Until `look` gives something. It ends when nobody looks any more, or too late.
async function until<T>(look: () => Promise<T | null>, ms: number, gone: AbortSignal): Promise<T> {
  for (const end = Date.now() + ms; ;) {
    const found = await look();
    gone.throwIfAborted();
    if (found !== null) return found;
    if (Date.now() > end) throw new Late();
    await new Promise((go) => setTimeout(go, EVERY_MS));
    gone.throwIfAborted();
  }
}

const stateOf = async (name: string): Promise<Channel | null> =>
  (await call<{ channels: Channel[] }>('GET', '/api/v1/channels')).channels.find((c) => c.name === name) ?? null;

export const connected = (bot: NewBot, gone: AbortSignal): Promise<Channel> => until(async () => {
  const channel = await stateOf(bot.name);
  if (channel?.state === 'refused') throw new Error(`${problemOf(channel)}: ${todoOf(channel)}`);
  return channel?.state === 'connected' && channel.link ? channel : null;
}, CONNECT_MS, gone);

async function hasAccount(network: Network): Promise<boolean> {
  const { identities } = await call<{ identities: { network: string }[] }>('GET', '/api/v1/users/me/identities');
  return identities.some((i) => i.network === network);
}

// How one's account becomes known to the bot; null: it is.
export async function opening(bot: NewBot): Promise<Opening | null> {
  if (await hasAccount(bot.network)) return null;
  const made = await call<Invite>('POST', '/api/v1/users/me/invites', {});
  const way = made.ways.find((w) => w.channel === bot.name);
  return way ? { way, code: made.code } : null;
}

export const linked = (bot: NewBot, gone: AbortSignal): Promise<true> =>
  until(async () => ((await hasAccount(bot.network)) ? true : null), LINK_MS, gone);

// The bot writes, and somebody answers it.
export async function thereAndBack(bot: NewBot, wrote: () => void, gone: AbortSignal): Promise<void> {
  const before = (await stateOf(bot.name))?.event_at ?? '';
  await call<void>('POST', `/api/v1/channels/${encodeURIComponent(bot.name)}/test`, {});
  wrote();
  await until(async () => (((await stateOf(bot.name))?.event_at ?? '') !== before ? true : null), ANSWER_MS, gone);
}

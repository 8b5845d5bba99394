// The bots of chat networks: how they are, how to reach them, how to connect one.
import { useState } from 'preact/hooks';
import { locale, number } from '../settings';
import { explain } from '../store';
import { Command } from '../view/cards';
import { Icon } from '../view/icons';
import { AddBot } from './addBot';
import { ChangeBot } from './changeBot';
import { problemOf, qr, tc, test, todoOf, type Channel } from './channelsData';
import { Choose, Find, wanted } from './filters';
import { usePaged } from './paged';
import { Empty, Failed, Loading } from './shared';

const EVERY_MS = 5000;
const FEW = 4; // bots that need no finding
const NETWORKS = ['telegram', 'discord'] as const;
const STATES = ['starting', 'connected', 'retrying', 'refused', 'standby'] as const;

function when(time: string | null | undefined): string {
  if (!time) return tc('never');
  return new Intl.DateTimeFormat(locale.value, { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(time));
}

function Facts({ channel }: { channel: Channel }) {
  if (channel.problem === undefined) return null; // not for us
  return (
    <dl class="facts">
      <div><dt>{tc('heard')}</dt><dd>{when(channel.alive_at)}</dd></div>
      <div><dt>{tc('event')}</dt><dd>{when(channel.event_at)}</dd></div>
      {channel.queue !== 0 && <div><dt>{tc('queue')}</dt><dd>{number(channel.queue ?? 0)}</dd></div>}
      {channel.code !== 0 && <div><dt>{tc('code')}</dt><dd>{channel.code}</dd></div>}
    </dl>
  );
}

function Tester({ channel }: { channel: Channel }) {
  const [said, setSaid] = useState('');
  return (
    <>
      <button type="button" onClick={() => {
        test(channel).then(() => setSaid(tc('tested')), (error: unknown) => setSaid(explain(error)));
      }}>{tc('test')}</button>
      <p class="label" role="status">{said}</p>
    </>
  );
}

function ChannelCard({ channel, changed }: { channel: Channel; changed: () => void }) {
  const [open, setOpen] = useState(false);
  const state = channel.deaf ? 'deaf' : channel.state;
  const mark = state === 'connected' ? 'enabled' : state === 'deaf' || state === 'refused' ? 'broken' : 'installed';
  return (
    <li class="skill">
      <article aria-labelledby={`channel-${channel.name}`}>
        <header>
          <h2 id={`channel-${channel.name}`}>{channel.name} <span class="model">{channel.network} {channel.bot_name}</span></h2>
          <span class={`skill-state ${mark}`}>{tc(state)}</span>
        </header>
        {channel.problem && (
          <div class="notice">
            <Icon name="alert" />
            <p>{problemOf(channel)}{channel.todo ? ` — ${todoOf(channel)}` : ''}</p>
          </div>
        )}
        <Facts channel={channel} />
        {channel.link && <div class="row">
          <a class="button" href={channel.link} target="_blank" rel="noreferrer noopener">{tc('open')}</a>
          {channel.state === 'connected' && channel.problem !== undefined && <Tester channel={channel} />}
        </div>}
        {channel.link && (
          <details onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary><Icon name="chevron" />{tc('show')}</summary>
            {open && <img class="qr" src={qr(channel)} alt={tc('qr', { bot: channel.bot_name })} width="220" height="220" />}
          </details>
        )}
        <ChangeBot channel={channel} changed={changed} />
      </article>
    </li>
  );
}

function Add() {
  return (
    <section class="card">
      <h2>{tc('add')}</h2>
      <AddBot />
      <p class="label">{tc('addText')}</p>
      <Command text="nexflow channel add telegram" />
      <Command text="nexflow channel add discord" />
    </section>
  );
}

function Filters() {
  return (
    <div class="filters">
      <Find name="q" label={tc('find')} />
      <Choose name="network" label={tc('network')} all={tc('any')} options={NETWORKS.map((network) => [network, tc(network)])} />
      <Choose name="state" label={tc('state')} all={tc('any')} options={STATES.map((state) => [state, tc(state)])} />
    </div>
  );
}

export function Page() {
  const query = { q: wanted('q'), network: wanted('network'), state: wanted('state') };
  const filtered = Object.values(query).some(Boolean);
  const { rows, error, again, more } = usePaged<Channel>('/api/v1/channels', 'channels', query, (channel) => channel.name, EVERY_MS);
  return (
    <>
      <p class="skills-intro">{rows?.length === 0 && !filtered ? tc('none') : tc('intro')}</p>
      {(filtered || (rows?.length ?? 0) > FEW) && <Filters />}
      <Failed error={error} again={again} />
      {!rows && !error && <Loading />}
      {rows?.length === 0 && filtered && <Empty icon="channel" title={tc('nothingSo')} />}
      <ul class="skills">{rows?.map((channel) => <ChannelCard key={channel.name} channel={channel} changed={again} />)}</ul>
      {more && <button type="button" class="text older" onClick={more}>{tc('more')}</button>}
      {(rows || error) && <Add />}
    </>
  );
}

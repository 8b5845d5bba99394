// The bots of chat networks: how they are, how to reach them, how to connect one.
import { useEffect, useState } from 'preact/hooks';
import { language, number, t } from '../settings';
import { Command } from '../view/cards';
import { Icon } from '../view/icons';
import { AddBot } from './addBot';
import { channels, qr, tc, test, watchChannels, type Channel } from './channelsData';

function when(time: string | null | undefined): string {
  if (!time) return tc('never');
  return new Intl.DateTimeFormat(language.value, { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(time));
}

function Facts({ channel }: { channel: Channel }) {
  if (channel.problem === undefined) return null; // not for us
  return (
    <dl class="facts">
      <dt>{tc('heard')}</dt>
      <dd>{when(channel.alive_at)}</dd>
      <dt>{tc('event')}</dt>
      <dd>{when(channel.event_at)}</dd>
      {channel.queue !== 0 && <><dt>{tc('queue')}</dt><dd>{number(channel.queue ?? 0)}</dd></>}
      {channel.code !== 0 && <><dt>{tc('code')}</dt><dd>{channel.code}</dd></>}
    </dl>
  );
}

function Tester({ channel }: { channel: Channel }) {
  const [said, setSaid] = useState('');
  return (
    <>
      <button type="button" onClick={() => {
        test(channel).then(() => setSaid(tc('tested')), (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)));
      }}>{tc('test')}</button>
      <p class="label" role="status">{said}</p>
    </>
  );
}

function ChannelCard({ channel }: { channel: Channel }) {
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
            <p>{channel.problem}{channel.todo ? ` — ${channel.todo}` : ''}</p>
          </div>
        )}
        <Facts channel={channel} />
        <div class="row">
          {channel.link && <a class="button" href={channel.link} target="_blank" rel="noreferrer noopener">{tc('open')}</a>}
          {channel.state === 'connected' && channel.problem !== undefined && <Tester channel={channel} />}
        </div>
        {channel.link && (
          <details onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary><Icon name="chevron" />{tc('show')}</summary>
            {open && <img class="qr" src={qr(channel)} alt={tc('qr', { bot: channel.bot_name })} width="220" height="220" />}
          </details>
        )}
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

export function Page() {
  useEffect(watchChannels, []);
  const all = channels.value;
  return (
    <>
      <p class="skills-intro">{all?.length === 0 ? tc('none') : tc('intro')}</p>
      {all === null && <p class="loading">{t('loading')}</p>}
      <ul class="skills">{all?.map((channel) => <ChannelCard key={channel.name} channel={channel} />)}</ul>
      <Add />
    </>
  );
}

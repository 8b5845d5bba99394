// A bot that is there: another token for it, or an end to it. For the owner.
import { useEffect, useRef, useState } from 'preact/hooks';
import { explain, guarded, me } from '../store';
import { t } from '../settings';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { changeToken, hasOthers, removeBot, tc, type Channel } from './channelsData';

function Token({ channel, changed }: { channel: Channel; changed: () => void }) {
  const token = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null);

  async function go(value: string): Promise<void> {
    setBusy(true);
    setSaid(null);
    try {
      const bot = await changeToken(channel, value);
      const done = tc(bot.need_restart ? 'needsRestart' : 'tokenRight', { bot: bot.bot_name });
      setSaid({ text: bot.other_instances ? `${done} ${tc('onlyHere')}` : done, bad: false });
      changed();
    } catch (error) {
      setSaid({ text: explain(error), bad: true });
    }
    setBusy(false);
  }

  return (
    <form class="stack" onSubmit={(event) => {
      event.preventDefault();
      const field = token.current;
      if (!field?.value.trim() || busy) return;
      void go(field.value.trim());
      field.value = ''; // it is not shown again, here neither
    }}>
      <label class="labelled">
        <span>{tc('newToken')}</span>
        <input class="field" type="password" autoComplete="off" spellcheck={false} maxLength={200} ref={token} />
      </label>
      <div class="row end"><button type="submit" disabled={busy}>{tc('replace')}</button></div>
      {said?.bad && <div class="notice" role="alert"><Icon name="alert" /><p>{said.text}</p></div>}
      <p role="status">{busy ? tc('checking') : said && !said.bad ? said.text : ''}</p>
    </form>
  );
}

export function ChangeBot({ channel, changed }: { channel: Channel; changed: () => void }) {
  const [asks, setAsks] = useState(false);
  const [others, setOthers] = useState(false);
  const refused = channel.state === 'refused';
  const [open, setOpen] = useState(refused);
  useEffect(() => { if (refused) setOpen(true); }, [refused]); // it stays open, with what was said, when that is mended
  if (me.value?.role !== 'owner') return null;
  const ask = (): void => {
    setAsks(true);
    hasOthers().then(setOthers, () => undefined); // the question stands without it
  };
  const remove = (): void => void guarded(async () => {
    await removeBot(channel);
    changed();
  });
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><Icon name="chevron" />{tc('change')}</summary>
      <Token channel={channel} changed={changed} />
      <div class="row end">
        <button type="button" class="quiet" onClick={ask}><Icon name="trash" />{tc('remove')}</button>
      </div>
      {asks && (
        <Dialog title={tc('removeTitle', { name: channel.name })} done={() => setAsks(false)}>
          <p>{tc('removeText')}</p>
          {others && <p>{tc('onlyHere')}</p>}
          <form method="dialog" class="row end"><button>{t('cancel')}</button><button class="danger" onClick={remove}>{tc('remove')}</button></form>
        </Dialog>
      )}
    </details>
  );
}

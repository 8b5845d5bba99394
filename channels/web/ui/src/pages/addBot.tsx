// Connecting a bot: its token, the way in for one's own account, a message there and back.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../settings';
import { explain, me } from '../store';
import { Command } from '../view/cards';
import { Icon } from '../view/icons';
import { addBot, connected, Late, linked, opening, thereAndBack, type Network, type NewBot, type Opening } from './addBotData';
import { tc } from './channelsData';

type Step = 'form' | 'checking' | 'connecting' | 'linking' | 'answering' | 'done';

const NETWORKS: readonly Network[] = ['telegram', 'discord'];

const said = (error: unknown): string =>
  error instanceof Late ? tc('addLate') : explain(error);

function WayIn({ opening: { way, code } }: { opening: Opening }) {
  return (
    <section class="way">
      {way.qr_svg && (
        <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(way.qr_svg)}`} alt={tc('qr', { bot: way.bot_name })}
          width="220" height="220" />
      )}
      {way.url && <Command text={way.url} />}
      <p class="label">{tc(way.brings_code ? 'openIt' : 'inviteAndSend')}</p>
      {!way.brings_code && <Command text={code} />}
    </section>
  );
}

function Progress({ step, bot, way }: { step: Step; bot: NewBot | null; way: Opening | null }) {
  return (
    <div role="status">
      {bot && <p>{tc('tokenRight', { bot: bot.bot_name })}</p>}
      {!!bot?.other_instances && <p>{tc('onlyHere')}</p>}
      {bot?.need_restart && <p>{tc('needsRestart')}</p>}
      {step === 'checking' && <p class="loading">{tc('checking')}</p>}
      {step === 'connecting' && <p class="loading">{tc('connecting')}</p>}
      {step === 'linking' && way && <><p>{tc('linkIt')}</p><WayIn opening={way} /></>}
      {step === 'answering' && <p>{tc('answerIt')}</p>}
      {step === 'done' && <p>{tc('worksBothWays', { bot: bot?.bot_name ?? '' })}</p>}
    </div>
  );
}

function Form({ busy, go }: { busy: boolean; go: (network: Network, token: string, name: string) => void }) {
  const [network, setNetwork] = useState<Network>('telegram');
  const [name, setName] = useState('');
  const token = useRef<HTMLInputElement>(null);
  return (
    <form class="stack" onSubmit={(event) => {
      event.preventDefault();
      const field = token.current;
      if (!field?.value.trim() || busy) return;
      go(network, field.value.trim(), name.trim());
      field.value = ''; // it is not shown again, here neither
    }}>
      <fieldset>
        <legend class="label">{tc('network')}</legend>
        <div class="pick">{NETWORKS.map((n) => (
          <label key={n} class="check">
            <input type="radio" name="network" value={n} checked={network === n} onChange={() => setNetwork(n)} /><span>{tc(n)}</span>
          </label>
        ))}</div>
        <p class="label">{tc(network === 'telegram' ? 'telegramHow' : 'discordHow')}</p>
      </fieldset>
      <div class="form-grid"><label class="labelled">
        <span>{tc('token')}</span>
        <input class="field" type="password" autoComplete="off" spellcheck={false} maxLength={200} ref={token} />
      </label>
      <label class="labelled">
        <span>{tc('botName')}</span>
        <input class="field" value={name} placeholder={network} maxLength={16} onInput={(event) => setName(event.currentTarget.value)} />
      </label></div>
      <div class="row end"><button type="submit" class="primary" disabled={busy}>{tc('connect')}</button></div>
    </form>
  );
}

export function AddBot() {
  const [step, setStep] = useState<Step>('form');
  const [bot, setBot] = useState<NewBot | null>(null);
  const [way, setWay] = useState<Opening | null>(null);
  const [failed, setFailed] = useState('');
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);
  if (me.value?.role !== 'owner') return null;

  async function connect(made: NewBot): Promise<void> {
    setStep('connecting');
    await connected(made, gone.current.signal);
    const how = await opening(made);
    setWay(how);
    if (how) {
      setStep('linking');
      await linked(made, gone.current.signal);
    }
    await thereAndBack(made, () => setStep('answering'), gone.current.signal);
    setStep('done');
  }

  async function go(network: Network, token: string, name: string): Promise<void> {
    setFailed('');
    setBot(null);
    setStep('checking');
    try {
      const made = await addBot(network, token, name);
      setBot(made);
      if (made.need_restart) return setStep('form');
      await connect(made);
    } catch (error) {
      if (gone.current.signal.aborted) return;
      setFailed(said(error));
      setStep('form');
    }
  }

  return (
    <>
      <Form busy={step !== 'form' && step !== 'done'} go={(...with_) => void go(...with_)} />
      {failed && <div class="notice" role="alert"><Icon name="alert" /><p>{failed}</p></div>}
      <Progress step={step} bot={bot} way={way} />
      {failed && bot && <button type="button" onClick={() => {
        setFailed('');
        connect(bot).catch((error: unknown) => {
          if (gone.current.signal.aborted) return;
          setFailed(said(error));
          setStep('form');
        });
      }}>{t('retry')}</button>}
    </>
  );
}

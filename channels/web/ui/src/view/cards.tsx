// What is shown instead of, or above, a conversation.
import { t } from '../settings';
import { deleted, undo } from '../sessions';
import { pagesFor } from '../pages';
import { format } from '../router';
import { me, phase, problem } from '../store';
import { Icon } from './icons';
import { CopyButton } from './copy';

export function Command({ text }: { text: string }) {
  return (
    <figure class="code command">
      <pre tabIndex={0}><code>{text}</code></pre>
      <CopyButton text={() => text} label={t('copyCode')} />
    </figure>
  );
}

export function Setup() {
  const mayAdd = pagesFor(me.value?.role).some((page) => page.name === 'models');
  return (
    <section class="card" aria-labelledby="setup-title">
      <h2 id="setup-title">{t('noModelTitle')}</h2>
      <p>{t(mayAdd ? 'noModelText' : 'noModelAsk')}</p>
      {mayAdd && (
        <>
          <p><a class="button primary" href={format('models')}>{t('setupModel')}</a></p>
          <p class="label">{t('noModelUp')}</p>
          <Command text="nexflow up" />
        </>
      )}
    </section>
  );
}

export function SignedOut() {
  return (
    <main class="gate">
      <section class="card">
        <img src="/favicon.svg" alt="" width="44" height="44" />
        <h1>{phase.value === 'bad-link' ? t('badLinkTitle') : t('signedOutTitle')}</h1>
        <p>{t('signedOutText')}</p>
        <Command text="nexflow link" />
      </section>
    </main>
  );
}

export function Undo() {
  const gone = deleted.value;
  if (!gone?.title) return null;
  return (
    <div class="undo" role="status">
      <span>{t('deletedText', { title: gone.title })}</span>
      <button type="button" class="text" onClick={undo}>{t('undo')}</button>
    </div>
  );
}

export function Problem() {
  if (!problem.value) return null;
  return (
    <div class="toast" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{t('problem')}</strong>
        <p>{problem.value}</p>
      </div>
      <button type="button" class="quiet" aria-label={t('dismiss')} onClick={() => (problem.value = null)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

// A question and what came of it.
import { isOver, type Item, type NoticeItem, type Turn } from '../conversation';
import type { Unsent } from '../outbox';
import type { Usage } from '../protocol';
import { number, t } from '../settings';
import { discard, link, retry } from '../store';
import { Icon } from './icons';
import { CopyButton, Markdown } from './markdown';
import { memo } from './memo';
import { ToolCard } from './tool';

// A turn is changed in place; only its version tells a component that it was.
interface Versioned {
  turn: Turn;
  version: number;
}

function Notice({ item }: { item: NoticeItem }) {
  return (
    <div class="notice">
      <Icon name="alert" />
      <p>{item.text}</p>
    </div>
  );
}

function ItemView({ item, run, over, version }: { item: Item; run: string; over: boolean; version: number }) {
  if (item.kind === 'tool') return <ToolCard item={item} run={run} over={over} version={version} />;
  if (item.kind === 'notice') return <Notice item={item} />;
  return <Markdown text={item.text} open={item.open && !over} />;
}

function usageText(usage: Usage | undefined): string | null {
  if (usage?.output_tokens === undefined && usage?.input_tokens === undefined) return null;
  const read = (usage.input_tokens ?? 0) + (usage.cache_read_tokens ?? 0) + (usage.cache_write_tokens ?? 0);
  return t('tokens', { in: number(read), out: number(usage.output_tokens ?? 0) });
}

function Footer({ turn }: Versioned) {
  const answer = turn.items.flatMap((i) => (i.kind === 'text' ? [i.text] : [])).join('\n\n');
  const usage = usageText(turn.usage);
  if (!answer && !turn.model && turn.state !== 'stopped') return null;
  return (
    <footer class="answer-foot">
      {answer && <CopyButton text={() => answer} label={t('copyAnswer')} />}
      {turn.state === 'stopped' && <span class="badge">{t('answerStopped')}</span>}
      {turn.model && <span class="model">{turn.model}</span>}
      {usage && <span title={t('tokensHint')}>{usage}</span>}
    </footer>
  );
}

function Waiting({ turn }: Versioned) {
  const last = turn.items.at(-1);
  if (isOver(turn) || (last?.kind === 'text' && last.text)) return null;
  if (last?.kind === 'tool' && last.result === undefined) return null; // its card says so
  const queued = turn.state === 'queued';
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true"><i /><i /><i /></span>
      {queued ? t('waiting') : t('thinking')}
    </p>
  );
}

function TurnBody({ turn, version }: Versioned) {
  const over = isOver(turn);
  return (
    <div class="turn" data-run={turn.runId} data-state={turn.state}>
      {turn.user && (
        <article class="message user" tabIndex={-1} aria-label={t('you')}>
          <h2 class="offscreen">{t('you')}</h2>
          <div class="bubble">{turn.user.content}</div>
        </article>
      )}
      {(turn.items.length > 0 || !over || turn.state === 'stopped') && (
        <article class="message assistant" tabIndex={-1} aria-label={t('assistant')} aria-busy={!over}>
          <h2 class="offscreen">{t('assistant')}</h2>
          {turn.items.map((item) => 
            <ItemView key={item.id} item={item} run={turn.runId} over={over} version={version} />
          )}
          <Waiting turn={turn} version={version} />
          {over && <Footer turn={turn} version={version} />}
        </article>
      )}
    </div>
  );
}

export const TurnView = memo(TurnBody);

export function UnsentView({ item }: { item: Unsent }) {
  return (
    <div class="turn" data-unsent={item.messageId}>
      <article class="message user" tabIndex={-1} aria-label={t('you')}>
        <h2 class="offscreen">{t('you')}</h2>
        <div class={`bubble ${item.error ? 'refused' : 'pending'}`}>{item.content}</div>
        {item.error ? (
          <p class="unsent refused">
            <span>{t('notSent', { reason: item.error })}</span>
            <button type="button" class="text" onClick={() => retry(item.messageId)}>{t('retry')}</button>
            <button type="button" class="text" onClick={() => discard(item.messageId)}>{t('discard')}</button>
          </p>
        ) : (
          link.value !== 'online' && (
            <p class="unsent">
              <span>{t('queuedOffline')}</span>
              <button type="button" class="text" onClick={() => discard(item.messageId)}>{t('discard')}</button>
            </p>
          )
        )}
      </article>
    </div>
  );
}

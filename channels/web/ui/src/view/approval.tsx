// A call that waits for a decision: exactly what would run, once, and until when.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useNow } from '../clock';
import type { Approval } from '../protocol';
import { t } from '../settings';
import { decideApproval, me } from '../store';
import { Icon } from './icons';
import { pretty, visible } from './tool';

// A card that has just come in under a finger is not pressed by accident.
const ARM_MS = 500;
const REASON_MAX = 200; // characters; 400 bytes

function clock(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function Left({ until }: { until: string }) {
  const left = Date.parse(until) - useNow();
  return (
    <p class="approval-left" role="timer">
      {left > 0 ? t('approvalLeft', { time: clock(left) }) : t('approvalOver')}
    </p>
  );
}

function DenyForm({ deny, cancel }: { deny: (reason: string) => void; cancel: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  return (
    <form class="deny" onSubmit={(event) => {
      event.preventDefault();
      deny(input.current?.value.trim() ?? '');
    }}>
      <label>
        <span>{t('denyReason')}</span>
        <input ref={input} class="field" maxLength={REASON_MAX} placeholder={t('denyHint')} onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          cancel();
        }} />
      </label>
      <div class="row end">
        <button type="button" onClick={cancel}>{t('cancel')}</button>
        <button type="submit" class="danger">{t('deny')}</button>
      </div>
    </form>
  );
}

export function ApprovalCard({ approval }: { approval: Approval }) {
  const [armed, setArmed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [denying, setDenying] = useState(false);
  const denyButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), ARM_MS);
    return () => clearTimeout(timer);
  }, []);
  const decide = (allow: boolean, reason = ''): void => {
    setBusy(true);
    void decideApproval(approval.id, allow, reason).finally(() => setBusy(false));
  };
  const title = `approval-${approval.id}`;
  return (
    <article class="message approval" tabIndex={-1} aria-labelledby={title} data-approval={approval.id}>
      <h3 id={title}><Icon name="hand" />{t(approval.yours ? 'approvalTitle' : 'approvalElse')}</h3>
      <dl>
        <dt>{t('approvalTool')}</dt>
        <dd class="tool-name">{approval.tool}</dd>
        {approval.user.id !== me.value?.id && (
          <>
            <dt>{t('approvalUser')}</dt>
            <dd>{approval.user.name}</dd>
          </>
        )}
        {approval.workspace && (
          <>
            <dt>{t('approvalPlace')}</dt>
            <dd>{approval.workspace}</dd>
          </>
        )}
        <dt class="offscreen">{t('toolArgs')}</dt>
        <dd class="whole"><pre tabIndex={0}>{visible(pretty(approval.arguments, Infinity))}</pre></dd>
      </dl>
      {denying ? (
        <DenyForm deny={(reason) => decide(false, reason)} cancel={() => {
          setDenying(false);
          requestAnimationFrame(() => denyButton.current?.focus());
        }} />
      ) : (
        <div class="row end">
          <Left until={approval.expires_at} />
          <button type="button" ref={denyButton} disabled={!armed || busy} onClick={() => setDenying(true)}>{t('deny')}</button>
          {approval.yours && (
            <button type="button" class="primary" disabled={!armed || busy} onClick={() => decide(true)}>{t('allowOnce')}</button>
          )}
        </div>
      )}
    </article>
  );
}

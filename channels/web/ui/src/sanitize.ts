// The only way by which HTML gets into the page. The policy of DOMPurify and the one for highlighted
// code are named in the daemon's Content-Security-Policy.
import DOMPurify from 'dompurify';

const CONFIG = {
  ALLOWED_TAGS: [
    'p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a',
    'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'div', 'span',
  ],
  ALLOWED_ATTR: ['href', 'target', 'rel', 'class', 'align', 'start', 'tabindex', 'data-lang'],
  ALLOW_DATA_ATTR: false,
  // Or their values would have to look like the addresses below.
  ADD_URI_SAFE_ATTR: ['target', 'rel', 'align', 'start', 'tabindex', 'data-lang'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_TRUSTED_TYPE: true as const,
};

export function setHtml(element: Element, html: string): void {
  // Typed as a string where the browser has no Trusted Types.
  element.innerHTML = DOMPurify.sanitize(html, CONFIG) as unknown as string;
}

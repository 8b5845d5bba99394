// Colours for code: a part of its own, loaded when the first finished code block is shown.
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const LANGUAGES = {
  bash, c, cpp, css, diff, go, ini, java, javascript, json, markdown, python, rust, sql, typescript,
  xml, yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

// What hljs makes is text, escaped, and <span class="...">: read back here into elements, so that
// nothing has to be trusted as HTML.
const PIECE = /<span class="([\w\- ]*)">|<\/span>|&(amp|lt|gt|quot|#x27);|[^<&]+/g;
const CHARACTERS: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#x27': '\'' };

function elements(html: string): DocumentFragment {
  const all = document.createDocumentFragment();
  let at: Node = all;
  let text = '';
  const flush = (): void => {
    if (text) at.appendChild(document.createTextNode(text));
    text = '';
  };
  for (const [whole, name, character] of html.matchAll(PIECE)) {
    if (character) text += CHARACTERS[character];
    else if (whole === '</span>') {
      flush();
      at = at.parentNode ?? all;
    } else if (name !== undefined) {
      flush();
      const span = document.createElement('span');
      span.className = name;
      at = at.appendChild(span);
    } else text += whole;
  }
  flush();
  return all;
}

export function highlight(element: Element, text: string, lang: string): void {
  if (!hljs.getLanguage(lang)) return;
  const html = hljs.highlight(text, { language: lang, ignoreIllegals: true }).value;
  element.replaceChildren(elements(html));
}
